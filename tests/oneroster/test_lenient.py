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
    ],
)
def test_bent_values_are_understood(said: dict[str, Any], field: str, meant: object) -> None:
    assert getattr(user(**said), field) == meant


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
