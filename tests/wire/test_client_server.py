"""The client's half against the server's half, on a live port, in both versions."""

import base64
import json
from typing import Any

import pytest
import urllib3

from homeroom.oneroster.lenient import read_user
from homeroom.sis.records.generate import district
from homeroom.sync.sources.rest import RestSettings, RestSource
from homeroom.sync.sources.testing import POINTS
from homeroom.sync.sources.testing import test as try_connection
from tests.conftest import SCHOOLS, SEED, STUDENTS, SisSite

http = urllib3.PoolManager(retries=False)
VERSIONS = pytest.mark.parametrize("version", ["1.1", "1.2"])


def token(site: SisSite, version: str = "1.1") -> str:
    basic = base64.b64encode(f"{site.key}:{site.secret}".encode()).decode()
    scope = (
        "https://purl.imsglobal.org/spec/or/v1p1/scope/roster.readonly"
        if version == "1.1"
        else "https://purl.imsglobal.org/spec/or/v1p2/scope/roster.readonly"
    )
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
    answer = http.request(
        "POST",
        f"{site.address}/oauth/token",
        body=f"grant_type=client_credentials&scope={scope}",
        headers=headers,
    )
    assert answer.status == 200, answer.data
    return str(answer.json()["access_token"])


@pytest.fixture(scope="module")
def bearer(sis_site: SisSite) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(sis_site)}"}


def get(
    site: SisSite, path: str, headers: dict[str, str], version: str = "1.1", **query: str
) -> urllib3.BaseHTTPResponse:
    return http.request("GET", site.base(version) + path, fields=query, headers=headers)


def known() -> list[Any]:
    return list(district(STUDENTS, SCHOOLS, SEED))


@VERSIONS
def test_a_source_reads_every_person_with_proof(sis_site: SisSite, version: str) -> None:
    source = RestSource(RestSettings(sis_site.base(version), sis_site.key, sis_site.secret))
    orgs = source.orgs()
    people = [source.parse(record)[0] for page in source.people() for record in page]
    expected = {record.sourced_id: record for record in known() if type(record).__name__ == "User"}
    assert len(orgs) == SCHOOLS + 1
    assert {person.sourced_id for person in people if person} == set(expected)
    assert all(p and p.family_name == expected[p.sourced_id].family_name for p in people)
    assert all(proof.complete and proof.claimed == proof.received for proof in source.evidence.values())


@VERSIONS
def test_small_pages_by_offset_and_by_keyset_read_the_same(sis_site: SisSite, version: str) -> None:
    from dataclasses import replace

    read = []
    for keyset in (True, False):
        source = RestSource(RestSettings(sis_site.base(version), sis_site.key, sis_site.secret))
        source.session()
        assert source.profile is not None
        profile = replace(source.profile, max_limit=7, keyset=keyset)
        again = RestSource(source.settings, profile)
        read.append([record.sourced_id for page in again.people() for record in page])
        assert again.evidence["users"].complete
        assert again.evidence["users"].pages > 10
    assert read[0] == read[1] == sorted(read[0])


@VERSIONS
def test_test_connection_answers_point_by_point(sis_site: SisSite, version: str) -> None:
    answer = try_connection(
        RestSource(RestSettings(sis_site.base(version), sis_site.key, sis_site.secret)), "004"
    )
    assert answer.ok
    assert [check.name for check in answer.checks] == [point.name for point in POINTS]
    assert all(check.tried for check in answer.checks)
    assert answer.profile["version"] == version
    assert answer.school is not None
    assert answer.school.sourced_id == "school-001"
    assert answer.counts["student"] > 0


@VERSIONS
@pytest.mark.parametrize(("path", "key", "kind"), [("/orgs", "orgs", "Org"), ("/users", "users", "User")])
def test_collections_count_link_and_sort(
    sis_site: SisSite, bearer: dict[str, str], version: str, path: str, key: str, kind: str
) -> None:
    expected = sorted(record.sourced_id for record in known() if type(record).__name__ == kind)
    answer = get(sis_site, path, bearer, version, limit="2", offset="1")
    assert answer.headers["X-Total-Count"] == str(len(expected))
    assert [record["sourcedId"] for record in answer.json()[key]] == expected[1:3]
    assert 'rel="next"' in answer.headers["Link"]
    last = get(sis_site, path, bearer, version, sort="sourcedId", orderBy="desc", limit="1")
    assert last.json()[key][0]["sourcedId"] == expected[-1]


@VERSIONS
@pytest.mark.parametrize(("path", "role"), [("/students", "student"), ("/teachers", "teacher")])
def test_people_by_role_stand_under_users(
    sis_site: SisSite, bearer: dict[str, str], version: str, path: str, role: str
) -> None:
    answer = get(sis_site, path, bearer, version, limit="10000")
    (key,) = answer.json()
    people = [read_user(json.dumps(record).encode())[0] for record in answer.json()[key]]
    assert key == "users"
    assert people
    assert all(role in {held.role for held in person.roles} for person in people if person)


@VERSIONS
def test_schools_their_students_and_one_object(
    sis_site: SisSite, bearer: dict[str, str], version: str
) -> None:
    schools = get(sis_site, "/schools", bearer, version).json()["orgs"]
    assert {org["type"] for org in schools} == {"school"}
    students = get(
        sis_site, f"/schools/{schools[0]['sourcedId']}/students", bearer, version, limit="1"
    ).json()["users"]
    one = get(sis_site, f"/users/{students[0]['sourcedId']}", bearer, version).json()
    assert one["user"]["sourcedId"] == students[0]["sourcedId"]


@VERSIONS
def test_filters_narrow_and_fields_choose(sis_site: SisSite, bearer: dict[str, str], version: str) -> None:
    name = next(record.family_name for record in known() if type(record).__name__ == "User")
    answer = get(
        sis_site,
        "/users",
        bearer,
        version,
        filter=f"familyName='{name}'",
        fields="sourcedId,familyName",
        limit="10000",
    )
    people = answer.json()["users"]
    assert int(answer.headers["X-Total-Count"]) == len(people) > 0
    assert all(
        set(person) == {"sourcedId", "familyName"} and person["familyName"] == name for person in people
    )


@VERSIONS
def test_an_unknown_id_is_the_standards_own_error(
    sis_site: SisSite, bearer: dict[str, str], version: str
) -> None:
    answer = get(sis_site, "/users/nobody", bearer, version)
    said = answer.json()
    assert answer.status == 404
    if version == "1.1":
        assert (
            said["statusInfoSet"][0]["imsx_codeMinor"] == "unknownobject"
            or said["statusInfoSet"][0]["imsx_codeMajor"] == "failure"
        )
    else:
        assert said["imsx_codeMajor"] == "failure"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer made-up"}, {"Authorization": "Basic x"}])
def test_nobody_reads_without_a_token(sis_site: SisSite, headers: dict[str, str]) -> None:
    assert get(sis_site, "/users", headers).status == 401


@pytest.mark.parametrize(("key", "secret"), [("", ""), ("made-up", "x"), (None, "wrong")])
def test_a_wrong_key_or_secret_gets_no_token(sis_site: SisSite, key: str | None, secret: str) -> None:
    basic = base64.b64encode(f"{sis_site.key if key is None else key}:{secret}".encode()).decode()
    answer = http.request(
        "POST",
        f"{sis_site.address}/oauth/token",
        body="grant_type=client_credentials",
        headers={"Authorization": f"Basic {basic}"},
    )
    assert answer.status in (400, 401)
    assert "access_token" not in answer.json()
    assert sis_site.secret not in answer.data.decode()


def test_an_inactive_secured_user_is_refused_at_once_tokens_included(sis_site: SisSite) -> None:
    program = sis_site.program
    program("sis", "user", "add", "Passing")
    key = program("sis", "key", "new", "Passing", "--json").json
    other = SisSite(program, sis_site.address, key["key"], key["secret"])
    headers = {"Authorization": f"Bearer {token(other)}"}
    assert get(other, "/orgs", headers).status == 200
    program("sis", "user", "deactivate", "Passing")
    assert get(other, "/orgs", headers).status == 401
    program("sis", "user", "activate", "Passing")
    assert get(other, "/orgs", headers).status == 200


def test_a_new_secret_ends_the_old_one(sis_site: SisSite) -> None:
    program = sis_site.program
    program("sis", "user", "add", "Rotating")
    old, new = (program("sis", "key", "new", "Rotating", "--json").json for _ in range(2))
    token(SisSite(program, sis_site.address, new["key"], new["secret"]))
    with pytest.raises(AssertionError):
        token(SisSite(program, sis_site.address, old["key"], old["secret"]))
