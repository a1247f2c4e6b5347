"""Who leaves, and who does not: whoever is there tonight but says too little, in another role, or left out by a rule of the school's."""

from dataclasses import dataclass, replace

import pytest

from homeroom.campus.people.models import Membership
from homeroom.campus.runs.models import Change, Run
from homeroom.problems import Problem
from homeroom.sync.reading import Slice
from homeroom.sync.roster import SourcePerson, SourceRole
from tests.campus.world import World
from tests.invented import LINCOLN, OAKWOOD, Told, adult, student

MANY = [student(f"s{number:02d}") for number in range(12)]
STILL = [adult("here"), adult("there", org=OAKWOOD)]


@dataclass
class Garbled(Told):
    """A source of which one record is no JSON."""

    bad: str = ""

    def parse(self, record: Slice) -> tuple[SourcePerson | None, tuple[Problem, ...]]:
        if record.sourced_id == self.bad:
            return None, (Problem("not_json", "users", self.bad),)
        return super().parse(record)


def places(number: str) -> list[tuple[str, str]]:
    """Where somebody is active: school and role group."""
    found = Membership.objects.filter(person__number=number, ended_at=None)
    return sorted(found.values_list("school__name", "group"))


def reasons(run: Run) -> set[str]:
    return set(Change.objects.filter(run=run, action="archive").values_list("reason", flat=True))


# --- there, but saying too little


@pytest.mark.parametrize("how", ["nameless", "garbled"])
def test_whoever_is_there_without_a_name_or_unreadable_is_left_as_they_are(trusting: World, how: str) -> None:
    for school in (trusting.lincoln, trusting.oakwood):
        trusting.configure("hold.percent=none", school=school)
    here = adult("a", number="7")
    there = adult("b", number="7", email="a@lincoln.example", org=OAKWOOD)
    trusting.night([*MANY, *STILL, here, there, student("x")])
    there = replace(there, phone="556")
    said = [replace(one, given_name="", family_name="") for one in (there, student("x"))]
    told = [
        *MANY,
        *STILL,
        replace(here, phone="555"),
        *(said if how == "nameless" else [there, student("x")]),
    ]
    run = trusting.sync(Told(told) if how == "nameless" else Garbled(told, bad="b"))
    assert run.complete
    assert places("7") == [("Lincoln High", "teachers"), ("Oakwood", "teachers")]
    assert places("n-x") == [("Lincoln High", "students")]


def test_nobody_comes_in_without_a_name(trusting: World) -> None:
    told = [
        *MANY,
        student("x", given_name="", family_name=""),
        student("y", number="n-s00", given_name="", family_name=""),
    ]
    for _ in range(2):
        run = trusting.night(told)
        assert sorted(run.problems.values_list("code", "sourced_id")) == [
            ("missing_name", "x"),
            ("missing_name", "y"),
        ]
    assert trusting.active() == {one.sourced_id for one in MANY}


# --- why somebody leaves


@pytest.mark.parametrize(
    ("change", "rule", "reason"),
    [
        ({"leaving": True}, "none", "the SIS marks this record as to be deleted"),
        ({}, "grade: 12 > out", "left out by rule 1 (grade: 12 > out)"),
        ({"roles": ()}, "none", "the SIS gives this record no role"),
        ({"roles": (SourceRole("student", LINCOLN, end="2026-01-01"),)}, "none", "no role is in force today"),
        ({"roles": (SourceRole("student", OAKWOOD),)}, "none", "the SIS now has this person elsewhere"),
        (None, "none", "no longer in the SIS for this school"),
    ],
)
def test_an_archive_says_what_became_of_the_record(
    trusting: World, change: dict[str, object] | None, rule: str, reason: str
) -> None:
    leaver = student("x", grade="12")
    trusting.night([*MANY, leaver])
    trusting.configure(f"rules={rule}", "hold.percent=none")
    after = [] if change is None else [replace(leaver, **change)]  # type: ignore[arg-type]
    assert reasons(trusting.night([*MANY, *after])) == {reason}


@pytest.mark.parametrize(
    ("change", "rule", "code"),
    [({"leaving": True}, "none", "marked"), ({}, "grade: 10 > out", "ruled")],
)
def test_a_hold_says_that_the_sis_marked_them_or_a_rule_leaves_them_out(
    trusting: World, change: dict[str, object], rule: str, code: str
) -> None:
    some = [
        *MANY[:4],
        *(replace(one, grade="10") for one in MANY[4:8]),
        *(replace(one, grade="11") for one in MANY[8:]),
    ]
    trusting.night(some)
    trusting.configure(f"rules={rule}")
    gone = [replace(one, **change) for one in some[4:8]]  # type: ignore[arg-type]
    report = trusting.night([*some[:4], *gone, *some[8:]]).schools.get(school=trusting.lincoln)
    assert [cause["code"] for hold in report.held for cause in hold["causes"]] == [code]


# --- a role group of which nobody is left


def test_the_only_one_of_a_group_who_is_in_another_now_does_not_stop_the_rest(trusting: World) -> None:
    trusting.configure("hold.percent=none")
    only = adult("t", number="7")
    trusting.night([*MANY, only])
    run = trusting.night([*MANY[1:], replace(only, roles=(SourceRole("principal", LINCOLN),))])
    assert run.complete
    assert places("7") == [("Lincoln High", "admins")]
    assert "s00" not in trusting.active()


def test_a_school_that_is_merged_into_another_is_held_as_people_who_moved(trusting: World) -> None:
    here = [*MANY[:9], *(replace(one, grade="10") for one in MANY[9:]), adult("t"), adult("u")]
    trusting.night([*here, student("o", org=OAKWOOD)])
    moved = [replace(one, roles=tuple(replace(role, org=OAKWOOD) for role in one.roles)) for one in here]
    run = trusting.night([*moved, student("o", org=OAKWOOD)])
    assert (run.complete, run.state) == (True, "held")
    report = run.schools.get(school=trusting.lincoln)
    assert [cause["code"] for hold in report.held for cause in hold["causes"]] == ["moved"]


def test_a_group_that_a_rule_leads_elsewhere_or_out_is_none_that_is_missing(trusting: World) -> None:
    trusting.configure("hold.percent=none", "rules=role: teacher > staff")
    trusting.night([*MANY, adult("a", "administrator", number="8"), adult("t", number="7")])
    trusting.configure("rules=role: teacher > teachers; role: administrator > out")
    run = trusting.night([*MANY, adult("a", "administrator", number="8"), adult("t", number="7")])
    assert run.complete
    assert (places("7"), places("8")) == ([("Lincoln High", "teachers")], [])


@pytest.mark.parametrize(
    "roles", [(), (SourceRole("teacher", "org-elsewhere"),), (SourceRole("janitor", LINCOLN),)]
)
def test_a_group_whose_people_came_without_a_role_that_counts_is_missing(
    trusting: World, roles: tuple[SourceRole, ...]
) -> None:
    trusting.night([*MANY, adult("t", number="7"), adult("u", number="8")])
    run = trusting.night([*MANY, adult("t", number="7", roles=roles), adult("u", "aide", number="8")])
    assert not run.complete
    assert "teachers of Lincoln High" in run.incomplete_because
    assert places("7") == [("Lincoln High", "teachers")]
