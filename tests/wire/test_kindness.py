"""What weak clients need of a server, each seen in a real one."""

import gzip
import json

import pytest
import urllib3
import zstandard

from tests.conftest import SCHOOLS, STUDENTS, SisSite
from tests.wire.test_client_server import VERSIONS, bearer, get, http, known

__all__ = ["bearer"]  # the fixture
USERS = sum(type(record).__name__ == "User" for record in known())


@VERSIONS
def test_a_known_tag_costs_no_body(sis_site: SisSite, bearer: dict[str, str], version: str) -> None:
    first = get(sis_site, "/users", bearer, version, limit="5")
    again = get(sis_site, "/users", {**bearer, "If-None-Match": first.headers["ETag"]}, version, limit="5")
    assert (again.status, again.data) == (304, b"")
    other = get(sis_site, "/users", {**bearer, "If-None-Match": first.headers["ETag"]}, version, limit="6")
    assert other.status == 200
    assert first.headers["X-Perm-Rev"] == other.headers["X-Perm-Rev"]


@pytest.mark.parametrize(
    ("accepted", "unpack"),
    [("gzip", gzip.decompress), ("zstd", lambda body: zstandard.decompress(body)), ("br", bytes)],
)
def test_bodies_are_packed_as_the_client_can_take_them(
    sis_site: SisSite, bearer: dict[str, str], accepted: str, unpack
) -> None:  # type: ignore[no-untyped-def]
    answer = http.request(
        "GET",
        f"{sis_site.base()}/users?limit=50",
        headers={**bearer, "Accept-Encoding": accepted},
        decode_content=False,
    )
    assert len(json.loads(unpack(answer.data))["users"]) == 50
    assert answer.headers.get("Content-Encoding", "br") == accepted


@pytest.mark.parametrize(
    "path", ["/users?offset=999999", "/users?filter=familyName='Nobody'", "/schools/nowhere/students"]
)
def test_nothing_found_is_an_empty_list(sis_site: SisSite, bearer: dict[str, str], path: str) -> None:
    answer = http.request("GET", sis_site.base() + path, headers=bearer)
    assert (answer.status, answer.json()) == (200, {"users": []})
    assert "X-Total-Count" in answer.headers


@pytest.mark.parametrize(
    "spelling",
    [
        "/ims/oneroster/v1p2/",
        "/ims/oneroster/v1p2/rostering/v1p2/",
        "/ims/oneroster/rostering/v1p2/",
        "//ims//oneroster//v1p1//",
    ],
)
def test_every_spelling_of_the_base_is_answered(
    sis_site: SisSite, bearer: dict[str, str], spelling: str
) -> None:
    answer = http.request("GET", f"{sis_site.address}{spelling}orgs/", headers=bearer)
    assert answer.status == 200
    assert len(answer.json()["orgs"]) == SCHOOLS + 1


def test_head_and_options_and_a_body_with_get(sis_site: SisSite, bearer: dict[str, str]) -> None:
    address = f"{sis_site.base()}/orgs"
    head = http.request("HEAD", address, headers=bearer)
    assert (head.status, head.data, head.headers["X-Total-Count"]) == (200, b"", str(SCHOOLS + 1))
    assert http.request("OPTIONS", address).headers["Allow"] == "GET, HEAD, OPTIONS"
    assert http.request("GET", address, headers=bearer, body=b'{"grant_type": "x"}').status == 200
    assert http.request("POST", address, headers=bearer).status == 405


@pytest.mark.parametrize("limit", ["7", "10000", "50000"])
def test_pages_join_to_the_whole_in_order(sis_site: SisSite, bearer: dict[str, str], limit: str) -> None:
    ids: list[str] = []
    address: str | None = f"{sis_site.base()}/users?limit={limit}"
    while address:
        answer = http.request("GET", address, headers=bearer)
        ids += [user["sourcedId"] for user in answer.json()["users"]]
        links = [part for part in answer.headers["Link"].split(", ") if 'rel="next"' in part]
        address = links[0].split(">")[0][1:] if links else None
    assert len(ids) == USERS
    assert ids == sorted(set(ids))


def test_hrefs_lead_to_their_objects(sis_site: SisSite, bearer: dict[str, str]) -> None:
    student = get(sis_site, "/students", bearer, limit="1").json()["users"][0]
    reference = student["orgs"][0]
    found = http.request("GET", reference["href"], headers=bearer)
    assert found.json()["org"]["sourcedId"] == reference["sourcedId"]


@pytest.mark.parametrize("path", ["/nothing", "/users/x/y/z", "/ims", ""])
def test_every_error_is_json(sis_site: SisSite, bearer: dict[str, str], path: str) -> None:
    answer = http.request("GET", sis_site.base() + path, headers=bearer)
    assert answer.status == 404
    assert answer.json()


INJECTIONS = [
    "'; DROP TABLE records_record; --",
    "' OR '1'='1",
    "%00",
    "../../etc/passwd",
    "\u0000",
    "{{7*7}}",
    "a" * 5000,
    "%s%s%s",
    "'||pg_sleep(9)||'",
]


@pytest.mark.parametrize("bad", INJECTIONS)
@pytest.mark.parametrize("name", ["filter", "sort", "orderBy", "fields", "limit", "offset", "path"])
def test_no_parameter_reaches_the_database_as_code(
    sis_site: SisSite, bearer: dict[str, str], name: str, bad: str
) -> None:
    if name == "path":
        answer = http.request(
            "GET",
            f"{sis_site.base()}/users/{urllib3.util.url._encode_invalid_chars(bad, set())}",
            headers=bearer,
        )
    else:
        answer = get(sis_site, "/users", bearer, **{name: bad})
    assert answer.status in (200, 400, 404, 414)
    assert get(sis_site, "/users", bearer, limit="1").headers["X-Total-Count"] == str(USERS)
    assert STUDENTS < USERS
