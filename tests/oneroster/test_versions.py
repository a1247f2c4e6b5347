"""What the two versions make of one record, where they differ or CSV says more than they may."""

from typing import Any

import pytest

from homeroom.oneroster import records as r
from homeroom.oneroster import v1p1, v1p2
from homeroom.oneroster.endpoints import match
from homeroom.oneroster.shapes import ref


def user(*roles: str, **more: Any) -> r.User:
    return r.User(sourced_id="u", roles=tuple(r.Role(role=role, org="s") for role in roles), **more)


@pytest.mark.parametrize(
    ("role", "in_1p1", "in_1p2"),
    [
        ("student", "student", "student"),
        ("administrator", "administrator", "siteAdministrator"),
        ("principal", "administrator", "principal"),
        ("counselor", "aide", "counselor"),
        ("ext:coach", "aide", "ext:coach"),
        ("ext:primaryGuardian", "guardian", "ext:primaryGuardian"),
        ("ext:StepParent", "parent", "ext:StepParent"),
        ("Staff", "aide", "ext:Staff"),
        ("bus driver (am)", "aide", "ext:bus_driver__am_"),
        ("ext:", "aide", "ext:unknown"),
    ],
)
def test_a_role_is_said_in_each_versions_words(role: str, in_1p1: str, in_1p2: str) -> None:
    assert v1p1.write(user(role))["role"] == in_1p1
    assert v1p2.write(user(role))["roles"][0]["role"] == in_1p2


def test_a_role_that_1p1_knows_goes_before_one_of_ones_own() -> None:
    assert v1p1.write(user("ext:coach", "teacher"))["role"] == "teacher"


def test_a_role_type_is_one_of_two() -> None:
    odd = r.User(sourced_id="u", roles=(r.Role(role="aide", org="s", role_type="Main"),))
    assert v1p2.write(odd)["roles"][0]["roleType"] == "secondary"


@pytest.mark.parametrize(
    ("record", "field", "in_1p1", "in_1p2"),
    [
        (r.Org(sourced_id="o", name="N", type="ext:network"), "type", "department", "ext:network"),
        (r.Org(sourced_id="o", name="N", type=""), "type", "department", "ext:unknown"),
        (r.Demographics(sourced_id="d", sex="unspecified"), "sex", None, "unspecified"),
        (r.Demographics(sourced_id="d", sex="F"), "sex", None, "ext:F"),
        (r.Demographics(sourced_id="d"), "sex", None, None),
        (
            r.Class(sourced_id="c", title="T", course="", school="s", class_type="club"),
            "classType",
            None,
            "ext:club",
        ),
        (r.Class(sourced_id="c", title="T", course="", school="s"), "course", None, None),
        (
            r.Enrollment(sourced_id="e", user="u", class_="c", school="s", role="aide"),
            "role",
            "aide",
            "ext:aide",
        ),
    ],
)
def test_other_words_are_open_in_1p2_and_closed_in_1p1(
    record: r.Record, field: str, in_1p1: str | None, in_1p2: str | None
) -> None:
    assert (v1p1.write(record).get(field), v1p2.write(record).get(field)) == (in_1p1, in_1p2)


def test_user_ids_without_a_type_have_one_in_1p2_alone() -> None:
    one = user("student", user_ids=(r.UserId(type="", identifier="7"),))
    assert v1p1.write(one)["userIds"] == [{"identifier": "7"}]
    assert v1p2.write(one)["userIds"] == [{"type": "local", "identifier": "7"}]


@pytest.mark.parametrize(
    ("path", "operation", "ids"),
    [
        ("/users", "getAllUsers", ()),
        ("/users/", "getAllUsers", ()),
        ("/users/u/1", "getUser", ("u/1",)),
        ("/users/classes", "getUser", ("classes",)),
        ("/users/a/classes", "getClassesForUser", ("a",)),
        ("/users/a/b/classes", "getClassesForUser", ("a/b",)),
        ("/schools/s/1/classes/k/1/students", "getStudentsForClassInSchool", ("s/1", "k/1")),
        ("/schools/s/1/students", "getStudentsForSchool", ("s/1",)),
        ("/schools/classes/classes/classes/students", "getStudentsForClassInSchool", ("classes", "classes")),
    ],
)
def test_an_id_may_hold_a_slash(path: str, operation: str, ids: tuple[str, ...]) -> None:
    found = match(path)
    assert found is not None
    assert (found[0].operation, found[1]) == (operation, ids)


@pytest.mark.parametrize("path", ["/", "/nothing", "/nothing/x", "/schools/" + "classes/" * 200 + "students"])
def test_what_is_no_operation_is_none(path: str) -> None:
    assert match(path) is None


def test_hrefs_are_addresses_whatever_an_id_holds() -> None:
    assert ref("a/b@c d,é", "user")["href"] == "~/users/a%2Fb@c%20d%2C%C3%A9"
