"""Every object of both versions as the standard says it, over a district in which everything optional is said and much is odd.

These are the lessons of holding all answers against the standard's own contracts, which are not ours to keep here.
"""

import re
from typing import Any

import pytest

from homeroom.oneroster.endpoints import SINGLE, Endpoint
from tests.conftest import SisSite
from tests.wire.calls import address, everything, http, records
from tests.wire.test_client_server import VERSIONS
from tests.wire.test_operations import OPERATIONS

IDS = {
    "school": "s/1",
    "class": "k/1",
    "term": "t1",
    "course": "m",
    "student": "u/1",
    "teacher": "t1",
    "user": "u/1",
}
ROLES_1P1 = {"administrator", "aide", "guardian", "parent", "proctor", "relative", "student", "teacher"}
ROLES_1P2 = {"aide", "counselor", "districtAdministrator", "guardian", "parent", "principal", "proctor", "relative",
             "siteAdministrator", "student", "systemAdministrator", "teacher"}  # fmt: skip
OWN = re.compile(r"ext:[a-zA-Z0-9.\-_]+")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
FLAG_NAMES = {"enabledUser", "primary", "asian", "white", "hispanicOrLatinoEthnicity"}
REFERS_TO = {
    "parent",
    "children",
    "org",
    "orgs",
    "primaryOrg",
    "school",
    "schoolYear",
    "course",
    "class",
    "user",
    "agents",
    "terms",
}


@pytest.fixture(scope="module")
def headers(odd_site: SisSite) -> dict[str, str]:
    return everything(odd_site)


def said(value: Any) -> Any:
    """Every object in a JSON value, with the name under which it stands."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield name, one
            yield from said(one)
    if isinstance(value, list):
        for one in value:
            yield from said(one)


@VERSIONS
@pytest.mark.parametrize("kind", SINGLE)
def test_what_every_object_has(odd_site: SisSite, headers: dict[str, str], version: str, kind: str) -> None:
    for record in records(odd_site, version, f"/{kind}", headers):
        assert record["sourcedId"]
        assert record["status"] in ("active", "tobedeleted")
        assert TIME.fullmatch(record["dateLastModified"])
        assert isinstance(record.get("metadata", {}), dict)
        for name, value in said(record):
            assert value not in (None, [], {}) or name in ("terms", "orgs", "roles")
            assert name not in FLAG_NAMES or value in ("true", "false")
            assert name != "password"


@VERSIONS
@pytest.mark.parametrize("kind", SINGLE)
def test_references_are_whole_and_lead_to_their_objects(
    odd_site: SisSite, headers: dict[str, str], version: str, kind: str
) -> None:
    known: set[str] = set()
    for name, value in said(records(odd_site, version, f"/{kind}", headers)):
        for one in value if isinstance(value, list) else [value]:
            if name not in REFERS_TO or not isinstance(one, dict):
                continue
            assert set(one) == {"href", "sourcedId", "type"}
            assert one["href"].startswith(odd_site.base(version))
            if one["href"] not in known:
                known.add(one["href"])
                answer = http.request("GET", one["href"], headers=headers)
                assert answer.json()[one["type"]]["sourcedId"] == one["sourcedId"]
                assert http.request("HEAD", one["href"], headers=headers).status == 200
    assert known or kind == "demographics"


def test_1p1_has_closed_vocabularies(odd_site: SisSite, headers: dict[str, str]) -> None:
    def words(kind: str, field: str) -> dict[str, Any]:
        return {one["sourcedId"]: one.get(field) for one in records(odd_site, "1.1", f"/{kind}", headers)}

    assert words("users", "role") == {"u/1": "student", "g1": "guardian", "g2": "relative", "t1": "teacher", "c1": "aide", "x1": "aide",
                                      "pg": "guardian", "st": "aide", "ad": "administrator"}  # fmt: skip
    assert set(words("users", "role").values()) <= ROLES_1P1
    assert words("enrollments", "role") == {"e1": "student", "e2": "teacher", "e3": "aide", "e4": "aide"}
    assert (words("orgs", "type")["net"], words("academicSessions", "type")["camp"]) == (
        "department",
        "semester",
    )
    assert words("classes", "classType") == {"k/1": "scheduled", "k2": "homeroom", "k3": None}
    assert words("demographics", "sex") == {"u/1": None, "g1": None, "t1": "male"}
    assert (
        "ext:"
        not in http.request("GET", f"{odd_site.base('1.1')}/users?limit=100", headers=headers).data.decode()
    )


def test_1p2_says_words_of_ones_own_as_ext(odd_site: SisSite, headers: dict[str, str]) -> None:
    users = {one["sourcedId"]: one for one in records(odd_site, "1.2", "/users", headers)}
    roles = {id_: [role["role"] for role in user["roles"]] for id_, user in users.items()}
    assert (roles["x1"], roles["pg"], roles["st"]) == (["ext:coach"], ["ext:primaryGuardian"], ["ext:Staff"])
    assert all(role in ROLES_1P2 or OWN.fullmatch(role) for held in roles.values() for role in held)
    enrolled = {one["sourcedId"]: one["role"] for one in records(odd_site, "1.2", "/enrollments", headers)}
    assert enrolled == {"e1": "student", "e2": "teacher", "e3": "ext:helper", "e4": "ext:aide"}
    assert {
        one["sourcedId"]
        for one in records(odd_site, "1.2", "/users", headers, filter="roles.role='ext:Staff'")
    } == {"st"}


def test_a_user_in_both_versions(odd_site: SisSite, headers: dict[str, str]) -> None:
    def one(version: str) -> dict[str, Any]:
        answer = http.request("GET", f"{odd_site.base(version)}/users/u%2F1", headers=headers)
        user: dict[str, Any] = answer.json()["user"]
        return {**user, "dateLastModified": ""}

    def ref(version: str, kind: str, id_: str, type_: str) -> dict[str, str]:
        return {
            "href": f"{odd_site.base(version)}/{kind}/{id_.replace('/', '%2F')}",
            "sourcedId": id_,
            "type": type_,
        }

    common = {"sourcedId": "u/1", "status": "active", "dateLastModified": "", "metadata": {"custody": "both"}, "username": "u1",
              "userIds": [{"type": "LDAP", "identifier": "x"}, {"type": "State", "identifier": "9"}], "enabledUser": "true",
              "givenName": "Zoë", "familyName": 'O\'Hara, "Z"', "middleName": "M", "identifier": "1", "email": "Zoe@x.example",
              "sms": "1", "phone": "2", "grades": ["09", "10"]}  # fmt: skip
    assert one("1.1") == {**common, "role": "student", "orgs": [ref("1.1", "orgs", "s/1", "org")],
                          "agents": [ref("1.1", "users", id_, "user") for id_ in ("g1", "g2")]}  # fmt: skip
    role = {"roleType": "primary", "role": "student", "org": ref("1.2", "orgs", "s/1", "org"), "beginDate": "2025-08-01",
            "endDate": "2026-07-01"}  # fmt: skip
    assert one("1.2") == {**common, "roles": [role], "primaryOrg": ref("1.2", "orgs", "s/1", "org"), "userMasterIdentifier": "UM",
                          "preferredFirstName": "Zo", "preferredMiddleName": "Mi", "preferredLastName": "Ha", "pronouns": "they/them",
                          "agents": [ref("1.2", "users", id_, "user") for id_ in ("g1", "g2")]}  # fmt: skip


@VERSIONS
def test_guardians_are_linked_both_ways(odd_site: SisSite, headers: dict[str, str], version: str) -> None:
    agents = {
        user["sourcedId"]: {one["sourcedId"] for one in user.get("agents", ())}
        for user in records(odd_site, version, "/users", headers)
    }
    assert agents["u/1"] == {"g1", "g2"}
    assert agents["g1"] == agents["g2"] == {"u/1"}


@VERSIONS
def test_demographics_and_what_rest_requires_but_csv_does_not(
    odd_site: SisSite, headers: dict[str, str], version: str
) -> None:
    (one,) = records(odd_site, version, "/demographics", headers, filter="sourcedId='u/1'")
    assert one["birthDate"] == "2010-01-02"
    assert one["hispanicOrLatinoEthnicity"] == "false"
    assert (one["cityOfBirth"], one["publicSchoolResidenceStatus"]) == ("New York", "01652")
    orgs = {org["sourcedId"]: org for org in records(odd_site, version, "/orgs", headers)}
    assert (orgs["s/1"]["identifier"], orgs["d"]["metadata"]) == ("s/1", {"jp.kana": "かな", "note": "x"})
    courses = {course["sourcedId"]: course for course in records(odd_site, version, "/courses", headers)}
    assert courses["bare"]["courseCode"] == "bare"
    session = records(odd_site, version, "/terms", headers)[0]
    assert (session["schoolYear"], session["endDate"]) == ("2026", "2026-01-01")


@VERSIONS
@OPERATIONS
@pytest.mark.parametrize("safe", ["", "/"], ids=["encoded", "as-it-is"])
def test_ids_with_a_slash_are_found_however_they_are_sent(
    odd_site: SisSite, headers: dict[str, str], version: str, endpoint: Endpoint, safe: str
) -> None:
    ids = {name: IDS[name] for name in endpoint.parents}
    if endpoint.single:
        ids = {
            "id": min(
                one["sourcedId"]
                for one in records(odd_site, version, endpoint.path.replace("/{id}", ""), headers)
            )
        }
    answer = http.request("GET", odd_site.base(version) + address(endpoint, ids, safe), headers=headers)
    assert answer.status == 200
    held = answer.json()[endpoint.key]
    assert held["sourcedId"] == ids["id"] if endpoint.single else held
