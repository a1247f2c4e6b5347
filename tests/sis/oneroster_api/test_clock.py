"""What time does to tokens, keys and signatures: the clock is handed in, so no test waits."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from oauthlib.oauth1 import Client

from homeroom.sis.oneroster_api.app import Desk, api
from homeroom.sis.oneroster_api.snapshots import snapshots
from homeroom.sis.records.generate import generate_district
from homeroom.sis.records.models import Share
from homeroom.sis.secured_users.keys import NewKey, generate
from homeroom.sis.secured_users.models import Nonce, SecuredUser

NOW = timezone.now()
SITE = "http://sis.example"


@pytest.fixture
def key(transactional_db: object) -> Iterator[NewKey]:
    Share.objects.get_or_create(pk=0)
    generate_district(10, 1, 5, NOW)
    yield generate(SecuredUser.objects.create(name="Minga"), NOW)
    snapshots.wait()  # none is still being made when the tables are emptied


def call(path: str, now: datetime, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """One request at a time of our choice."""
    place, _, query = path.partition("?")
    said: dict[str, Any] = {}
    environ = {
        "REQUEST_METHOD": "POST" if body else "GET", "PATH_INFO": place, "QUERY_STRING": query, "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body), "wsgi.url_scheme": "http", "SERVER_NAME": "x", "SERVER_PORT": "1", "HTTP_HOST": "sis.example",
        **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
    }  # fmt: skip

    def start(status: str, sent: list[tuple[str, str]]) -> None:
        said.update(status=int(status[:3]), headers=dict(sent))

    content = b"".join(api(environ, start, lambda: now, Desk(note=lambda *_: None)))
    return said["status"], said["headers"], content


def token(key: NewKey, now: datetime) -> str:
    pair = {"grant_type": "client_credentials", "client_id": key.key, "client_secret": key.secret}
    status, _, said = call("/oauth/token", now, urlencode(pair).encode())
    assert status == 200
    return str(json.loads(said)["access_token"])


def signed(key: NewKey, at: datetime, path: str = "/ims/oneroster/v1p1/orgs", **how: Any) -> str:
    client = Client(key.key, client_secret=key.secret, timestamp=str(int(at.timestamp())), **how)
    return str(client.sign(SITE + path, http_method="GET")[1]["Authorization"])


@pytest.mark.parametrize(("after", "status"), [(0, 200), (3599, 200), (3600, 401), (90_000, 401)])
def test_a_token_lives_for_an_hour(key: NewKey, after: int, status: int) -> None:
    bearer = f"Bearer {token(key, NOW)}"
    assert call("/ims/oneroster/v1p1/orgs", NOW, authorization=bearer)[0] == 200
    found, headers, _ = call("/ims/oneroster/v1p1/orgs", NOW + timedelta(seconds=after), authorization=bearer)
    assert found == status
    assert status == 200 or "invalid_token" in headers["WWW-Authenticate"]


def test_a_token_ends_with_its_key(key: NewKey) -> None:
    bearer = f"Bearer {token(key, NOW)}"
    generate(SecuredUser.objects.get(), NOW, overlap=timedelta(minutes=10))
    assert call("/ims/oneroster/v1p1/orgs", NOW + timedelta(minutes=9), authorization=bearer)[0] == 200
    assert call("/ims/oneroster/v1p1/orgs", NOW + timedelta(minutes=10), authorization=bearer)[0] == 401


@pytest.mark.parametrize(
    ("off", "status"),
    [(0, 200), (-599, 200), (299, 200), (-602, 401), (302, 401), (-90_000, 401), (10**9, 401)],
)
def test_a_clients_clock_may_be_ten_minutes_late_and_five_early(key: NewKey, off: int, status: int) -> None:
    header = signed(key, NOW + timedelta(seconds=off))
    assert call("/ims/oneroster/v1p1/orgs", NOW, authorization=header)[0] == status


def test_a_nonce_is_used_once_as_long_as_its_request_could_be_sent_again(key: NewKey) -> None:
    header = signed(key, NOW)
    later = [NOW, NOW, NOW + timedelta(minutes=9), NOW + timedelta(minutes=11)]
    assert [call("/ims/oneroster/v1p1/orgs", at, authorization=header)[0] for at in later] == [
        200,
        401,
        401,
        401,
    ]
    other = signed(key, NOW + timedelta(minutes=40))
    assert call("/ims/oneroster/v1p1/orgs", NOW + timedelta(minutes=40), authorization=other)[0] == 200
    assert Nonce.objects.count() == 1  # those too old to be used again are forgotten


def test_a_bad_signature_uses_up_no_nonce(key: NewKey) -> None:
    wrong = signed(NewKey(key.key, "wrong"), NOW, nonce="n")
    assert call("/ims/oneroster/v1p1/orgs", NOW, authorization=wrong)[0] == 401
    assert not Nonce.objects.exists()
    assert call("/ims/oneroster/v1p1/orgs", NOW, authorization=signed(key, NOW, nonce="n"))[0] == 200


def test_a_signature_ends_with_its_key_and_its_secured_user(key: NewKey) -> None:
    generate(SecuredUser.objects.get(), NOW)
    assert call("/ims/oneroster/v1p1/orgs", NOW, authorization=signed(key, NOW))[0] == 401
    new = generate(SecuredUser.objects.get(), NOW)
    assert call("/ims/oneroster/v1p1/orgs", NOW, authorization=signed(new, NOW))[0] == 200
    SecuredUser.objects.update(active=False)
    assert call("/ims/oneroster/v1p1/orgs", NOW, authorization=signed(new, NOW))[0] == 401
