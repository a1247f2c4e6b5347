"""Signed requests, on a live port: both methods, with and without a version, and no second use of one."""

import time
from typing import Any

import pytest
import urllib3
from oauthlib.oauth1 import Client

from homeroom.oneroster.endpoints import BASE_PATHS, V1P1
from tests.conftest import SisSite
from tests.ports import free_port

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
        "?filter=givenName~%27a+b%27&sort=familyName",
        "?fields=sourcedId%2CgivenName&limit=3",
        "?limit=2&limit=2",
        "?b=&a=1&a=0&filter=email~%27@%27",
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


@pytest.mark.parametrize(
    "path", ["/users/", "//orgs", "/users/a%40b%2Fc", "/users/a@b", "/schools/school-001/students/"]
)
def test_an_address_is_found_however_it_is_written(sis_site: SisSite, path: str) -> None:
    answer = http.request("GET", sis_site.base() + path, headers=signed(sis_site, sis_site.base() + path))
    assert answer.status in (200, 404)


@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256"])
def test_a_signature_may_stand_in_the_query(sis_site: SisSite, method: str) -> None:
    client = Client(
        sis_site.key, client_secret=sis_site.secret, signature_method=method, signature_type="QUERY"
    )
    address = client.sign(f"{sis_site.base()}/users?limit=2&filter=status%3D%27active%27")[0]
    answer = http.request("GET", address)
    assert answer.status == 200
    assert "oauth_" not in answer.headers["Link"]
    assert http.request("GET", address).status == 401


def test_a_realm_and_a_lower_case_scheme_are_read_over(sis_site: SisSite) -> None:
    address = f"{sis_site.base()}/orgs"
    header = signed(sis_site, address, realm="https://sis.example/, all of it")["Authorization"]
    assert 'realm="' in header
    for said in (header, signed(sis_site, address)["Authorization"].replace("OAuth ", "oauth ")):
        assert http.request("GET", address, headers={"Authorization": said}).status == 200


def test_links_can_be_signed_as_they_are(sis_site: SisSite) -> None:
    address, read = f"{sis_site.base()}/users?limit=30&filter=familyName~%27a%27%20OR%20givenName~%27a%27", 0
    while address:
        answer = http.request("GET", address, headers=signed(sis_site, address))
        assert answer.status == 200
        read += len(answer.json()["users"])
        links = [part for part in answer.headers["Link"].split(",") if 'rel="next"' in part]
        address = links[0].split(">")[0].strip().removeprefix("<") if links else ""
    assert read == int(answer.headers["X-Total-Count"]) > 30


@pytest.mark.slow
def test_a_replay_is_refused_by_every_process(sis_site: SisSite) -> None:
    """Two servers over one database, as worker processes are."""
    with sis_site.program.serving("sis", "serve", port=free_port()) as other:
        headers = signed(sis_site, f"{other}{BASE_PATHS[V1P1]}/orgs")
        host = other.removeprefix("http://")
        assert http.request("GET", f"{other}{BASE_PATHS[V1P1]}/orgs", headers=headers).status == 200
        again = http.request("GET", f"{sis_site.base()}/orgs", headers={**headers, "Host": host})
        assert again.status == 401


def test_behind_a_proxy_the_clients_own_address_is_what_was_signed(sis_site: SisSite) -> None:
    headers = signed(sis_site, "https://oneroster.example/ims/oneroster/v1p1/orgs")
    proxied = {**headers, "X-Forwarded-Proto": "https", "X-Forwarded-Host": "oneroster.example"}
    assert http.request("GET", f"{sis_site.base()}/orgs", headers=proxied).status == 200


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
