"""Records as servers really send them: nothing crashes the reader, and what costs something is named."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeroom.oneroster import records as r
from homeroom.oneroster import v1p1, v1p2
from homeroom.oneroster.lenient import read_org, read_user

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(
    "sourcedId status givenName familyName role roles orgs org agents grades enabledUser identifier userIds metadata email".split()
)


@given(st.binary(max_size=60))
def test_no_bytes_crash_the_reader(raw: bytes) -> None:
    read_user(raw)
    read_org(raw)


@given(st.dictionaries(keys, json_values, max_size=12))
def test_no_object_crashes_the_reader(said: dict[str, Any]) -> None:
    user, problems = read_user(json.dumps(said).encode())
    assert user is not None or problems
    read_org(json.dumps(said).encode())


def user(**said: Any) -> r.User:
    read, _ = read_user(json.dumps({"sourcedId": "u1", **said}).encode())
    assert read is not None
    return read


@pytest.mark.parametrize(
    ("said", "field", "meant"),
    [
        ({"sourcedId": "  u1 "}, "sourced_id", "u1"),
        ({"sourcedId": 17}, "sourced_id", "17"),
        ({"givenName": None}, "given_name", ""),
        ({"enabledUser": "false"}, "enabled", False),
        ({"enabledUser": "True"}, "enabled", True),
        ({"grades": "9"}, "grades", ("09",)),
        ({"grades": ["09"]}, "grades", ("09",)),
        ({"grades": None}, "grades", ()),
        ({"agents": {"sourcedId": "g1"}}, "agents", ("g1",)),
        ({"agents": [{"href": "x"}, {"sourcedId": "g1"}]}, "agents", ("g1",)),
        ({"status": "ToBeDeleted"}, "status", "tobedeleted"),
        ({"status": "to_be_deleted"}, "status", "tobedeleted"),
        ({"status": "inactive"}, "status", "tobedeleted"),
        ({"status": ""}, "status", "active"),
        ({"status": None}, "status", "active"),
        ({"status": "Enrolled"}, "status", "active"),
        ({"sourcedId": 17.0}, "sourced_id", "17"),
        ({"givenName": 7}, "given_name", "7"),
        ({"givenName": ["Ana"]}, "given_name", "Ana"),
        ({"givenName": {"text": "Ana"}}, "given_name", ""),
        ({"givenName": True}, "given_name", ""),
        ({"givenName": "A\0na"}, "given_name", "Ana"),
        ({"GivenName": "Ana"}, "given_name", "Ana"),
        ({"given_name": "Ana"}, "given_name", "Ana"),
        ({"GivenName": "Bea", "givenName": "Ana"}, "given_name", "Ana"),
        ({"enabledUser": 0}, "enabled", False),
        ({"enabledUser": None}, "enabled", True),
        ({"enabledUser": "perhaps"}, "enabled", True),
        ({"grades": [9, "Grade 10", None]}, "grades", ("09", "10")),
        ({"grades": "KG,01"}, "grades", ("KG", "01")),
        ({"grades": {"grade": 9}}, "grades", ()),
        ({"metadata": {"grade": "9th"}}, "grades", ("09",)),
        ({"agents": ["g1", {"SourcedId": " g2 "}, {"sourcedId": 3}]}, "agents", ("g1", "g2", "3")),
        ({"agents": [{"sourcedId": "g1"}, {"sourcedId": "g1"}, None, ""]}, "agents", ("g1",)),
        ({"agents": ""}, "agents", ()),
        (
            {"userIds": {"type": "local", "identifier": 5}},
            "user_ids",
            (r.UserId(type="local", identifier="5"),),
        ),
        ({"userIds": ["x"]}, "user_ids", ()),
        ({"primaryOrg": [{"sourcedId": "o1"}]}, "primary_org", "o1"),
        ({"primaryOrg": "o1"}, "primary_org", "o1"),
    ],
)
def test_bent_values_are_understood(said: dict[str, Any], field: str, meant: object) -> None:
    assert getattr(user(**said), field) == meant


ORG = {"sourcedId": "o1"}


@pytest.mark.parametrize(
    ("said", "roles"),
    [
        ({"role": "student", "orgs": [ORG]}, [("student", "o1")]),
        ({"role": "STUDENT", "orgs": ORG}, [("student", "o1")]),
        ({"role": ["teacher"], "orgs": "o1"}, [("teacher", "o1")]),
        ({"role": "site administrator", "orgs": [ORG]}, [("siteAdministrator", "o1")]),
        ({"role": "teacher,aide", "orgs": [ORG]}, [("teacher", "o1"), ("aide", "o1")]),
        ({"role": "wizard", "orgs": [ORG]}, [("wizard", "o1")]),
        ({"role": "student"}, [("student", "")]),
        ({"roles": {"role": "student", "org": ORG}}, [("student", "o1")]),
        ({"roles": [{"role": "student", "org": [ORG]}]}, [("student", "o1")]),
        ({"roles": ["student"], "orgs": [ORG]}, [("student", "o1")]),
        ({"roles": [{"role": "student", "org": {"href": "x"}}]}, [("student", "")]),
        ({"roles": [{"Role": "Student", "Org": {"SourcedId": "o1"}}]}, [("student", "o1")]),
        ({"roles": [{"role": "teacher", "org": ORG}], "role": "teacher", "orgs": [ORG]}, [("teacher", "o1")]),
        (
            {"roles": [{"role": "aide", "org": ORG}], "role": "teacher", "orgs": [ORG]},
            [("aide", "o1"), ("teacher", "o1")],
        ),
        ({"roles": None, "role": None, "orgs": None}, []),
        ({"roles": [None, 5, [], {}]}, []),
    ],
)
def test_roles_of_either_version_or_both_are_understood(
    said: dict[str, Any], roles: list[tuple[str, str]]
) -> None:
    assert [(role.role, role.org) for role in user(**said).roles] == roles


@pytest.mark.parametrize(
    ("date", "day"),
    [
        ("2026-06-01", "2026-06-01"),
        ("2026-06-01T00:00:00.000Z", "2026-06-01"),
        ("2026-6-1", "2026-06-01"),
        ("2026/06/01", "2026-06-01"),
        ("20260601", "2026-06-01"),
        (20260601, "2026-06-01"),
        ("06/01/2026", ""),
        ("2026-02-30", ""),
        ("June", ""),
        (None, ""),
    ],
)
def test_a_date_is_read_where_it_can_mean_only_one_day(date: object, day: str) -> None:
    said = user(roles=[{"role": "student", "org": ORG, "endDate": date}])
    assert said.roles[0].end_date == day


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({"sourcedId": " u1"}, "bent_value", "sourcedId"),
        ({"givenName": " Ana"}, "bent_value", "givenName"),
        ({"givenName": ["Ana"]}, "bent_value", "givenName"),
        ({"grades": "9"}, "bent_value", "grades"),
        ({"agents": {"sourcedId": "g1"}}, "bent_value", "agents"),
        ({"role": "Student"}, "bent_value", "role"),
        ({"givenName": {}}, "lost_value", "givenName"),
        ({"enabledUser": "perhaps"}, "lost_value", "enabledUser"),
        ({"roles": [5]}, "lost_value", "roles"),
        ({"grades": [{}]}, "lost_value", "grades"),
        ({"grades": ["Blue"]}, "unknown_grade", "grades"),
        ({"agents": [{"href": "x"}]}, "reference_without_id", "agents"),
        ({"roles": [{"role": "student"}]}, "reference_without_id", "roles.org"),
        ({"roles": [{"role": "student", "org": ORG, "endDate": "June"}]}, "unreadable_date", "roles.endDate"),
        ({"status": "Enrolled"}, "unknown_status", "status"),
        ({"givenName": "A\0na"}, "odd_text", "givenName"),
        ({"sourcedId": "u" * 256}, "long_id", "sourcedId"),
    ],
)
def test_every_oddity_is_a_problem_that_names_its_field(said: dict[str, Any], code: str, field: str) -> None:
    _, problems = read_user(json.dumps({"sourcedId": "u1", **said}).encode())
    assert (code, field) in {(problem.code, problem.field) for problem in problems}
    assert all(problem.cure and problem.message for problem in problems)


def test_a_good_record_is_no_problem() -> None:
    said = {
        "givenName": "Ana",
        "enabledUser": "true",
        "grades": ["09"],
        "roles": [{"role": "student", "org": ORG}],
    }
    assert read_user(json.dumps({"sourcedId": "u1", "status": "active", **said}).encode())[1] == ()


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b'{"sourcedId": "u1", "givenName": "An\xe9"}', "An\u00e9"),
        (rb'{"sourcedId": "u1", "givenName": "An\ud800"}', "An?"),
        (b'{"sourcedId": "u1", "givenName": "Ana", "x": NaN}', "Ana"),
        (b'[{"sourcedId": "u1", "givenName": "Ana"}]', "Ana"),
    ],
)
def test_what_a_strict_reader_refuses_is_mended(raw: bytes, name: str) -> None:
    read, problems = read_user(raw)
    assert read is not None
    assert read.given_name == name
    assert problems


def test_a_record_of_more_than_a_megabyte_is_left_out() -> None:
    read, problems = read_user(b'{"sourcedId": "u1", "givenName": "' + b"x" * 1_100_000 + b'"}')
    assert (read, problems[0].code) == (None, "record_too_large")


def test_a_1p1_user_with_two_orgs_has_two_roles() -> None:
    read = user(role="teacher", orgs=[{"sourcedId": "o1"}, {"sourcedId": "o2"}])
    assert [(role.role, role.org) for role in read.roles] == [("teacher", "o1"), ("teacher", "o2")]


def test_a_record_without_an_id_is_a_problem_not_a_person() -> None:
    assert read_user(b'{"givenName": "Ana"}')[0] is None
    assert read_user(b'{"givenName": "Ana"}')[1][0].code == "missing_id"


texts = st.text(st.characters(exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=8)
users = st.builds(
    r.User,
    sourced_id=texts,
    given_name=texts,
    family_name=texts,
    username=texts,
    identifier=texts,
    email=texts,
    agents=st.lists(texts, max_size=3, unique=True).map(tuple),
    grades=st.sampled_from([(), ("09",), ("KG",)]),
    roles=st.lists(
        st.builds(r.Role, role=st.just("student"), org=texts),
        min_size=1,
        max_size=2,
        unique_by=lambda x: x.org,
    ).map(tuple),
)


@given(users, st.sampled_from([v1p1, v1p2]))
def test_what_either_version_writes_reads_as_the_same_person(one: r.User, version: Any) -> None:
    read, problems = read_user(json.dumps(version.write(one)).encode())
    assert read is not None
    for name in (
        "sourced_id",
        "given_name",
        "family_name",
        "username",
        "identifier",
        "email",
        "agents",
        "grades",
    ):
        assert getattr(read, name) == getattr(one, name)
    assert {(role.role, role.org) for role in read.roles} == {(role.role, role.org) for role in one.roles}
    assert problems == ()
