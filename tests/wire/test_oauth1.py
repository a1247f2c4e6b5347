"""Signed requests, on a live port: both methods, with and without a version, and no second use of one."""

import time
from typing import Any

import pytest
import urllib3
from oauthlib.oauth1 import Client

from tests.conftest import SisSite

http = urllib3.PoolManager(retries=False)


def signed(site: SisSite, address: str, **how: Any) -> dict[str, str]:
    client = Client(
        how.pop("key", site.key),
        client_secret=how.pop("secret", site.secret),
        signature_method=how.pop("method", "HMAC-SHA1"),
        **how,
    )
    _, headers, _ = client.sign(address, http_method="GET")
    return dict(headers)


@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256"])
@pytest.mark.parametrize(
    "query",
    [
        "",
        "?limit=2&offset=1",
        "?filter=familyName%3D%27O%27%27Hara%27%20OR%20status%3D%27active%27&limit=5",
        "?filter=givenName~'a b'",
    ],
)
def test_a_signed_request_is_answered(sis_site: SisSite, method: str, query: str) -> None:
    address = f"{sis_site.base()}/users{query.replace(' ', '%20')}"
    answer = http.request("GET", address, headers=signed(sis_site, address, method=method))
    assert answer.status == 200, answer.data


def test_a_request_without_a_version_is_answered(sis_site: SisSite) -> None:
    class Versionless(Client):
        def get_oauth_params(self, request: Any) -> Any:
            return [
                (name, value) for name, value in super().get_oauth_params(request) if name != "oauth_version"
            ]

    address = f"{sis_site.base()}/orgs"
    _, headers, _ = Versionless(sis_site.key, client_secret=sis_site.secret).sign(address)
    assert "oauth_version" not in headers["Authorization"]
    assert http.request("GET", address, headers=dict(headers)).status == 200


def test_a_replay_is_refused(sis_site: SisSite) -> None:
    address = f"{sis_site.base()}/orgs"
    headers = signed(sis_site, address)
    assert [http.request("GET", address, headers=headers).status for _ in range(3)] == [200, 401, 401]


@pytest.mark.parametrize(
    "how",
    [
        {"secret": "wrong"},
        {"key": "made-up"},
        {"key": ""},
        {"timestamp": str(int(time.time()) - 3600)},
        {"timestamp": str(int(time.time()) + 3600)},
        {"timestamp": "yesterday"},
        {"method": "PLAINTEXT"},
    ],
)
def test_what_is_not_signed_well_is_refused(sis_site: SisSite, how: dict[str, str]) -> None:
    address = f"{sis_site.base()}/orgs"
    answer = http.request("GET", address, headers=signed(sis_site, address, **how))
    assert answer.status == 401
    assert sis_site.secret.encode() not in answer.data


def test_a_signature_is_good_for_its_own_address_only(sis_site: SisSite) -> None:
    headers = signed(sis_site, f"{sis_site.base()}/orgs")
    assert http.request("GET", f"{sis_site.base()}/users", headers=headers).status == 401
