"""Retellings of small districts: what each changes, and that references go with what they name."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as some

from homeroom.oneroster import records as r
from homeroom.oneroster.shapes import KINDS
from homeroom.sis.records.changing import REFERENCES
from homeroom.sis.records.retelling import RETELLINGS, retold, vanishing
from homeroom.sis.records.sharing import KINDS_IN_ORDER, Read
from tests.sis.records.districts import District, districts

DANGLING = {"padded"}  # known to leave references as they were


def everything(read: Read) -> dict[str, list[r.Record]]:
    return {kind: list(read(kind)) for kind in KINDS_IN_ORDER}


def ids(read: Read, kind: str) -> list[str]:
    return [record.sourced_id for record in read(kind)]


@given(districts(), some.sampled_from(sorted(set(RETELLINGS) - DANGLING)))
def test_a_reference_leads_where_it_led(district: District, name: str) -> None:
    before, after = district.read, retold(district.read, [name])
    for kind, fields in ((KINDS[record], fields) for record, fields in REFERENCES.items()):
        for field, target in fields.items():
            whole = set(_named(before, kind, field)) <= set(ids(before, target))
            if whole and name not in ("nothing_tobedeleted", "only_users_tobedeleted"):
                assert set(_named(after, kind, field)) <= set(ids(after, target)), (kind, field)
    people = set(ids(after, "users"))
    assert {one for one in ids(after, "demographics") if one not in people} == set()


def _named(read: Read, kind: str, field: str) -> Iterator[str]:
    for record in read(kind):
        said = getattr(record, field)
        yield from said if isinstance(said, tuple) else ([said] if said else [])


@given(districts(), some.sampled_from(sorted(RETELLINGS)))
def test_ids_stay_single(district: District, name: str) -> None:
    for kind, found in everything(retold(district.read, [name])).items():
        said = [record.sourced_id for record in found]
        assert len(set(said)) == len(said), (name, kind)


def test_a_name_that_is_told_twice_is_told_the_same() -> None:
    person = r.User(sourced_id="u", roles=(r.Role(role="student", org="north"),), agents=("g",))
    read = District((person,)).read
    assert everything(retold(read, ["rekeyed"])) == everything(retold(read, ["rekeyed"]))


ROLES = (r.Role(role="teacher", org="north"), r.Role(role="teacher", org="south"))
STAFF = r.User(sourced_id="t", roles=ROLES, primary_org="north", username="t")
TAUGHT = r.Enrollment(sourced_id="e", user="t", class_="c", school="south", role="teacher")


@pytest.mark.parametrize(("name", "users", "taught_by"), [
    ("staff_a_record_a_school", ["t", "t-south"], "t-south"),
    ("a_record_a_school", ["t-north", "t-south"], "t-south"),
    ("prefixed_staff", ["TCH_t"], "TCH_t"),
    ("a_record_a_role", ["tt"], "tt"),
])  # fmt: skip
def test_staff_at_two_schools(name: str, users: list[str], taught_by: str) -> None:
    read = retold(District((STAFF, TAUGHT)).read, [name])
    assert ids(read, "users") == users
    assert [e.user for e in read("enrollments") if isinstance(e, r.Enrollment)] == [taught_by]


@pytest.mark.parametrize(("name", "left"), [
    ("nothing_tobedeleted", {}),
    ("only_users_tobedeleted", {"users": ["u"]}),
])  # fmt: skip
def test_what_is_told_of_leavers(name: str, left: dict[str, list[str]]) -> None:
    user = r.User(sourced_id="u", status="tobedeleted", roles=ROLES)
    enrollment = r.Enrollment(
        sourced_id="e", status="tobedeleted", user="u", class_="c", school="north", role="student"
    )
    found = everything(retold(District((user, enrollment)).read, [name]))
    assert {kind: [one.sourced_id for one in said] for kind, said in found.items() if said} == left
    assert vanishing([name]) == set(KINDS_IN_ORDER) - set(left)


def test_a_school_code_is_the_number_without_zeros_and_never_two_schools() -> None:
    orgs = [r.Org(sourced_id=one, name=one, type="school", identifier=number) for one, number in
            (("a", "007"), ("b", "7"), ("c", ""), ("d", "12"))]  # fmt: skip
    district = r.Org(sourced_id="x", name="x", type="district", children=("a", "b", "c", "d"))
    read = retold(District((*orgs, district)).read, ["codes_as_ids"])
    assert ids(read, "orgs") == ["7", "b", "c", "12", "0"]
    assert [org.children for org in read("orgs") if isinstance(org, r.Org) and org.type == "district"] == [
        ("7", "b", "c", "12")
    ]


def test_last_year_nobody_of_this_years_beginners_was_there() -> None:
    beginner = r.User(sourced_id="k", grades=("KG",), roles=ROLES, agents=("g",))
    older = r.User(sourced_id="o", grades=("01",), roles=ROLES, agents=("g",))
    guardian = r.User(sourced_id="g", agents=("k", "o"), roles=(r.Role(role="parent", org="north"),))
    enrolled = r.Enrollment(
        sourced_id="e", user="k", class_="c", school="north", role="student", begin_date="2026-08-29"
    )
    also = r.Enrollment(
        sourced_id="f", user="o", class_="c", school="north", role="student", begin_date="2024-02-29"
    )
    found = everything(retold(District((beginner, older, guardian, enrolled, also)).read, ["last_year"]))
    assert [(u.sourced_id, u.grades, u.agents) for u in found["users"] if isinstance(u, r.User)] == [
        ("g", (), ("o",)),
        ("o", ("KG",), ("g",)),
    ]
    assert [e.begin_date for e in found["enrollments"] if isinstance(e, r.Enrollment)] == ["2023-02-28"]
