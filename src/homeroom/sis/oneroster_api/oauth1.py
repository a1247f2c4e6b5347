"""OAuth 1.0a, two-legged: the check of a signed request. Source: RFC 5849; OneRoster 1.1 security.

HMAC-SHA1 and HMAC-SHA256, with or without `oauth_version`, in the header or in the query. A request that is too old, from the
future, or seen before is refused: a copy of it, overheard or logged somewhere, opens nothing.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from django.db import IntegrityError, transaction
from oauthlib.oauth1 import (
    SIGNATURE_HMAC_SHA1,
    SIGNATURE_HMAC_SHA256,
    RequestValidator,
    SignatureOnlyEndpoint,
)

from homeroom.oneroster.endpoints import match
from homeroom.oneroster.shapes import IN_PATHS
from homeroom.sis.secured_users.keys import is_live
from homeroom.sis.secured_users.models import Key, Nonce
from homeroom.sis.wire import Request

OLD, FUTURE = timedelta(minutes=10), timedelta(minutes=5)  # how far a client's clock may be off


def is_signed(request: Request) -> bool:
    """Whether a request carries a signature: in its header, or in its query (RFC 5849, 3.5.3)."""
    header = request.headers.get("authorization", "").strip()
    return header[:6].lower() == "oauth " or (not header and request.value("oauth_signature") is not None)


def signed_by(request: Request, now: datetime) -> int | None:
    """The id of the key that signed a request, or None when the signature is not good for it, or was used before."""
    header = request.headers.get("authorization", "").strip()
    headers = {"Authorization": header} if header else {}
    checks = Checks(now)
    for address in _addresses(request):
        try:
            good, said = SignatureOnlyEndpoint(checks).validate_request(
                address, request.method, None, headers
            )
        except ValueError:
            return None
        if good and checks.key is not None:
            moment = datetime.fromtimestamp(int(said.timestamp), now.tzinfo)
            return checks.key.pk if _is_new(said.client_key, said.nonce, moment, now) else None
    return None


def _addresses(request: Request) -> Iterator[str]:
    """The ways in which the address may have been signed: a server gets it decoded, and perhaps through a proxy that renamed it."""
    query, host = urlencode(request.query, quote_via=quote), request.headers.get("host", "")
    roots = dict.fromkeys((request.root, f"https://{host}", f"http://{host}"))
    paths = dict.fromkeys(
        way(request.path, kept) for way in (_quoted, _ids_quoted) for kept in (IN_PATHS, "")
    )
    return (f"{root}{path}?{query}" for root in roots for path in paths)


def _quoted(path: str, kept: str) -> str:
    return quote(path, safe=f"/{kept}")


def _ids_quoted(path: str, kept: str) -> str:
    """A path whose ids are encoded whole, the slashes in them too."""
    parts = re.fullmatch(r"(.*/v1p[12])(/.*)", path)
    found = match(parts[2]) if parts else None
    if parts is None or found is None:
        return _quoted(path, kept)
    endpoint, ids = found
    below = re.sub(r"\{\w+\}", "{}", endpoint.path).format(*(quote(one, safe=kept) for one in ids))
    return _quoted(parts[1], kept) + below


class Checks(RequestValidator):
    """What oauthlib asks about a key, a clock and a nonce."""

    allowed_signature_methods = (SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256)
    nonce_length = (1, 255)
    enforce_ssl = (
        False  # whoever stands in front of us ends TLS; plain http is for loopback and one's own network
    )
    timestamp_lifetime = 10**9  # oauthlib's own clock tolerates too little of the future; ours is below
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
        if self.key is None or self.key.key != client_key:
            found = Key.objects.select_related("secured_user").filter(key=client_key).first()
            self.key = found if found is not None and is_live(found, self.now) else None
        return self.key is not None

    def get_client_secret(self, client_key: str, request: Any) -> str:  # noqa: ARG002
        return self.key.secret if self.key is not None else "no such secret"

    def validate_timestamp_and_nonce(
        self,
        client_key: str,  # noqa: ARG002
        timestamp: Any,
        nonce: str,  # noqa: ARG002 # looked at last, so that only a good signature is remembered
        request: Any,  # noqa: ARG002
        request_token: str | None = None,  # noqa: ARG002
        access_token: str | None = None,  # noqa: ARG002
    ) -> bool:
        moment = datetime.fromtimestamp(int(timestamp), self.now.tzinfo)
        return self.now - OLD <= moment <= self.now + FUTURE


def _is_new(client_key: str, nonce: str, moment: datetime, now: datetime) -> bool:
    """Remembers a nonce; False when it was there. Those too old to be used again are forgotten."""
    Nonce.objects.filter(at__lt=now - OLD - FUTURE).delete()
    try:
        with transaction.atomic():
            Nonce.objects.create(client_key=client_key, nonce=nonce, at=moment)
    except IntegrityError:
        return False
    return True
