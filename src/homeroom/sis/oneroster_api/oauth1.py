"""OAuth 1.0a, two-legged: the check of a signed request. Source: RFC 5849; OneRoster 1.1 security.

HMAC-SHA1 and HMAC-SHA256, with or without `oauth_version`. A request that is too old, from the future, or seen before is
refused: a copy of it, overheard or logged somewhere, opens nothing.
"""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from django.db import IntegrityError, transaction
from oauthlib.oauth1 import (
    SIGNATURE_HMAC_SHA1,
    SIGNATURE_HMAC_SHA256,
    RequestValidator,
    SignatureOnlyEndpoint,
)

from homeroom.sis.secured_users.keys import is_live
from homeroom.sis.secured_users.models import Key, Nonce
from homeroom.sis.wire import Request

OLD, FUTURE = timedelta(minutes=10), timedelta(minutes=5)  # how far a client's clock may be off


def signed_by(request: Request, now: datetime) -> int | None:
    """The id of the key that signed a request, or None when the signature is not good for it."""
    checks = Checks(now)
    address = (
        request.root
        + quote(request.path, safe="/-._~%")
        + (f"?{request.raw_query}" if request.raw_query else "")
    )
    headers = {"Authorization": request.headers.get("authorization", "")}
    try:
        good, _ = SignatureOnlyEndpoint(checks).validate_request(address, request.method, None, headers)
    except ValueError:
        return None
    return checks.key.pk if good and checks.key is not None else None


class Checks(RequestValidator):
    """What oauthlib asks about a key, a clock and a nonce."""

    allowed_signature_methods = (SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256)
    nonce_length = (1, 255)
    enforce_ssl = (
        False  # whoever stands in front of us ends TLS; plain http is for loopback and one's own network
    )
    dummy_client = "no-such-key-of-anybody"

    def __init__(self, now: datetime) -> None:
        super().__init__()
        self.now = now
        self.key: Key | None = None

    def check_client_key(self, client_key: str) -> bool:
        return 0 < len(client_key) <= 64

    def check_nonce(self, nonce: str) -> bool:
        return 0 < len(nonce) <= 255

    def validate_client_key(self, client_key: str, request: Any) -> bool:  # noqa: ARG002 # oauthlib's shape
        found = Key.objects.select_related("secured_user").filter(key=client_key).first()
        self.key = found if found is not None and is_live(found, self.now) else None
        return self.key is not None

    def get_client_secret(self, client_key: str, request: Any) -> str:  # noqa: ARG002
        return self.key.secret if self.key is not None else "no such secret"

    def validate_timestamp_and_nonce(
        self,
        client_key: str,
        timestamp: Any,
        nonce: str,
        request: Any,  # noqa: ARG002
        request_token: str | None = None,  # noqa: ARG002
        access_token: str | None = None,  # noqa: ARG002
    ) -> bool:
        moment = datetime.fromtimestamp(int(timestamp), self.now.tzinfo)
        return self.now - OLD <= moment <= self.now + FUTURE and _is_new(client_key, nonce, moment, self.now)


def _is_new(client_key: str, nonce: str, moment: datetime, now: datetime) -> bool:
    """Remembers a nonce; False when it was there. Those too old to be used again are forgotten."""
    Nonce.objects.filter(at__lt=now - OLD - FUTURE).delete()
    try:
        with transaction.atomic():
            Nonce.objects.create(client_key=client_key, nonce=nonce, at=moment)
    except IntegrityError:
        return False
    return True
