"""What weak clients need of a server, each seen in a real one."""

import gzip
import json
from typing import Any

import pytest
import zstandard

from homeroom.oneroster.endpoints import Endpoint
from tests.conftest import SCHOOLS, SisSite
from tests.wire.calls import everything
from tests.wire.test_client_server import VERSIONS, bearer, get, http, known
from tests.wire.test_operations import OPERATIONS, example, expected

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


@VERSIONS
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=0", 400),
        ("limit=-1", 400),
        ("limit=ten", 400),
        ("limit=1.5", 400),
        ("limit=", 400),
        ("limit=%D9%A1%D9%A2", 400),
        ("limit=99999999999999999999", 200),
        ("offset=-1", 400),
        ("offset=x", 400),
        ("limit=9007199254740992&offset=9007199254740992", 200),
        ("limit=5&limit=5", 200),
        ("limit=5&limit=6", 400),
        ("filter=status='active'&filter=status='tobedeleted'", 400),
        ("filter=", 200),
        ("filter=%20", 200),
        ("sort=&orderBy=", 200),
        ("orderBy=desc", 200),
        ("sort=familyName&orderBy=ACS", 200),
        ("sort=familyName&orderBy=descending", 200),
        ("sort=familyName&orderBy=upwards", 400),
        ("unheard=of&Limit=3", 200),
        ("fields=", 400),
        ("fields=%20,", 400),
        ("filter=nothing", 400),
        ("filter=nothing='x'", 400),
        ("filter=%FF%FE", 400),
        ("filter=status%3D'active'%00", 400),
        (f"filter=status='{'x' * 20_000}'", 414),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_asked_amiss_is_answered_in_the_versions_own_shape(
    sis_site: SisSite, bearer: dict[str, str], version: str, query: str, status: int
) -> None:
    answer = http.request("GET", f"{sis_site.base(version)}/users?{query}", headers=bearer)
    assert answer.status == status
    assert answer.headers["Content-Type"].startswith("application/json")
    if status != 200:
        assert_error(answer.json(), version)


def assert_error(said: Any, version: str, severity: str = "error") -> str:
    """One error body of a version; its minor code."""
    if version == "1.1":
        assert set(said) == {"statusInfoSet"}
        (one,) = said["statusInfoSet"]
        code: str = one["imsx_codeMinor"]
    else:
        one = said
        (minor,) = one["imsx_CodeMinor"]["imsx_codeMinorField"]
        assert minor["imsx_codeMinorFieldName"] == "TargetEndSystem"
        code = minor["imsx_codeMinorFieldValue"]
    assert (one["imsx_codeMajor"], one["imsx_severity"]) == (
        "failure" if severity == "error" else "success",
        severity,
    )
    assert one["imsx_description"]
    return code


@pytest.mark.parametrize(
    ("query", "in_1p1", "in_1p2"),
    [
        ("fields=sourcedId,hat", "invalid_selection_field", 400),
        ("sort=hat", "invalid_sort_field", 400),
        ("sort=roles.hat&orderBy=desc", "invalid_sort_field", 400),
    ],
)
def test_unknown_names_are_a_warning_in_1p1_and_an_error_in_1p2(
    sis_site: SisSite, bearer: dict[str, str], query: str, in_1p1: str, in_1p2: int
) -> None:
    plain = http.request("GET", f"{sis_site.base('1.1')}/users?limit=3", headers=bearer).json()
    said = http.request("GET", f"{sis_site.base('1.1')}/users?limit=3&{query}", headers=bearer).json()
    assert list(said) == ["users", "statusInfoSet"]
    assert said["users"] == plain["users"]  # all fields, in the default order
    assert assert_error({"statusInfoSet": said["statusInfoSet"]}, "1.1", "warning") == in_1p1
    assert "hat" in said["statusInfoSet"][0]["imsx_description"]
    answer = http.request("GET", f"{sis_site.base('1.2')}/users?limit=3&{query}", headers=bearer)
    assert answer.status == in_1p2
    assert assert_error(answer.json(), "1.2") in ("invalid_selection_field", "invaliddata")


@VERSIONS
def test_blank_fields_have_a_code_of_their_own(
    sis_site: SisSite, bearer: dict[str, str], version: str
) -> None:
    answer = get(sis_site, "/users", bearer, version, fields="")
    wanted = "invalid_blank_selection_field" if version == "1.1" else "invalid_selection_field"
    assert (answer.status, assert_error(answer.json(), version)) == (400, wanted)


@VERSIONS
@pytest.mark.parametrize(
    "query", ["fields=sourcedId,email", "fields=sourcedId&fields=email", "fields=email,%20sourcedId,,email"]
)
def test_fields_come_with_commas_or_one_by_one(
    sis_site: SisSite, bearer: dict[str, str], version: str, query: str
) -> None:
    for path, key in (("/users", "users"), (f"/users/{FIRST}", "user")):
        said = http.request("GET", f"{sis_site.base(version)}{path}?{query}", headers=bearer).json()[key]
        assert all(set(one) == {"sourcedId", "email"} for one in (said if isinstance(said, list) else [said]))


FIRST = min(record.sourced_id for record in known() if type(record).__name__ == "User" and record.email)


@pytest.fixture(scope="module")
def whole(sis_site: SisSite) -> dict[str, str]:
    return everything(sis_site)


@VERSIONS
@OPERATIONS
def test_every_answer_counts_tells_its_revision_and_begins_with_its_word(
    sis_site: SisSite, whole: dict[str, str], version: str, endpoint: Endpoint
) -> None:
    path = endpoint.path
    for name in endpoint.parents:
        path = path.replace(f"{{{name}}}", example(name))
    some = min(expected(endpoint, ())) if endpoint.single else ""
    answer = http.request(
        "GET", sis_site.base(version) + path.replace("{id}", some), headers=everything(sis_site)
    )
    assert answer.status == 200
    assert answer.data.startswith(f'{{"{endpoint.key}":'.encode())
    assert int(answer.headers["X-Total-Count"]) >= 1
    assert int(answer.headers["X-Perm-Rev"]) >= 1
    assert answer.headers["ETag"]
    assert ("Link" in answer.headers) != endpoint.single
    head = http.request(
        "HEAD", sis_site.base(version) + path.replace("{id}", some), headers=everything(sis_site)
    )
    same = ("X-Total-Count", "Content-Type", "ETag", "X-Perm-Rev", "Link")
    assert [head.headers.get(name) for name in same] == [answer.headers.get(name) for name in same]
    assert (head.status, head.data) == (200, b"")
    again = http.request("GET", sis_site.base(version) + path.replace("{id}", some),
                         headers={**whole, "If-None-Match": answer.headers["ETag"]})  # fmt: skip
    assert (again.status, again.data, again.headers["ETag"]) == (304, b"", answer.headers["ETag"])


@pytest.mark.parametrize("limit", [1, 100, 101, 5000, 9999, 10_000])
def test_a_limit_below_ten_thousand_is_never_clamped(
    sis_site: SisSite, bearer: dict[str, str], limit: int
) -> None:
    answer = get(sis_site, "/users", bearer, limit=str(limit))
    assert len(answer.json()["users"]) == min(limit, USERS)
    assert f"limit={limit}&" in answer.headers["Link"]


def test_without_a_limit_there_are_a_hundred_and_above_the_largest_the_links_say_so(
    sis_site: SisSite, bearer: dict[str, str]
) -> None:
    assert len(get(sis_site, "/users", bearer).json()["users"]) == 100
    links = get(sis_site, "/users", bearer, limit="50000").headers["Link"]
    assert "limit=10000&" in links
    assert "50000" not in links


@VERSIONS
@pytest.mark.parametrize(
    "path",
    ["/ims", "/ims/", "/ims/oneroster", "/ims/oneroster/v1p3/users", "/ims/nothing/at/all", "/oauth/nothing"],
)
def test_outside_of_all_bases_the_answer_is_json_too(sis_site: SisSite, version: str, path: str) -> None:
    answer = http.request("GET", sis_site.address + path)
    assert answer.status == 404
    assert assert_error(answer.json(), "1.2") == "unknownobject"
    below = http.request("GET", f"{sis_site.base(version)}/nothing")
    assert (below.status, assert_error(below.json(), version)) == (
        404,
        "unknown object" if version == "1.1" else "unknownobject",
    )


@VERSIONS
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_writing_is_refused_in_the_versions_shape(
    sis_site: SisSite, bearer: dict[str, str], version: str, method: str
) -> None:
    answer = http.request(method, f"{sis_site.base(version)}/users", headers=bearer, body=b"{}")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert_error(answer.json(), version)


@VERSIONS
def test_behind_a_proxy_addresses_are_those_that_the_client_knows(
    sis_site: SisSite, bearer: dict[str, str], version: str
) -> None:
    proxied = {**bearer, "X-Forwarded-Proto": "https", "X-Forwarded-Host": "oneroster.example, inner.example"}
    answer = http.request("GET", f"{sis_site.base(version)}/classes?limit=1", headers=proxied)
    outer = sis_site.base(version).replace(sis_site.address, "https://oneroster.example")
    assert answer.json()["classes"][0]["school"]["href"].startswith(f"{outer}/orgs/")
    assert f"<{outer}/classes?" in answer.headers["Link"]
