"""A school's own rules: how they are written, whom they fit, and what narrowing makes of them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeroom.sync.narrow import by_org, narrow
from homeroom.sync.own_rules import NoRule, OwnRule, read_line
from homeroom.sync.roster import Place, RoleGroup, SourceRole
from homeroom.sync.rules import GroupPolicy, Policy, SchoolRule, fingerprint, schools_that_suffice
from tests.invented import LINCOLN, adult, student
from tests.sync.test_laws import TODAY

ON = GroupPolicy(roster=True)
ALL = Policy(ON, ON, ON, ON)
words = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=6)
lists = st.lists(words, max_size=2, unique=True).map(tuple)
rules = st.builds(
    OwnRule,
    st.none() | st.sampled_from(list(RoleGroup)),
    lists,
    lists,
    lists,
    st.sampled_from(["", "main", "other"]),
).filter(lambda rule: rule.role or rule.title or rule.grade or rule.school)


def narrowed(person, *lines: str, policy: Policy = ALL):  # type: ignore[no-untyped-def]
    own = tuple(read_line(line) for line in lines)
    return narrow(person, by_org([SchoolRule(1, LINCOLN, replace(policy, own=own))]), TODAY)


@given(rules)
def test_a_rule_that_is_written_is_read_again(rule: OwnRule) -> None:
    assert read_line(rule.line) == rule


@pytest.mark.parametrize(
    "line",
    [
        "",
        "role: aide",
        "role: aide > cooks",
        "> staff",
        "age: 4 > out",
        "role: > out",
        "school: near > out",
        "role: a & role: b > out",
    ],
)
def test_what_is_no_rule_is_told(line: str) -> None:
    with pytest.raises(NoRule):
        read_line(line)


LUNCH = "role: administrator & title: Lunch > staff"


@pytest.mark.parametrize(
    ("person", "lines", "groups", "why"),
    [
        (adult("a", "administrator", title="Head of LUNCH room"), [LUNCH], {"staff"}, f"let through; rule 1 ({LUNCH})"),
        (adult("a", "administrator", title="Principal"), [LUNCH], {"admins"}, "let through"),
        (adult("a", "teacher", title="Lunch"), [LUNCH], {"teachers"}, "let through"),
        (student("s", grade="PK"), ["grade: PK, KG > out"], set(), "left out by rule 1 (grade: PK, KG > out)"),
        (student("s", grade="01"), ["grade: PK, KG > out"], {"students"}, "let through"),
        (adult("j", "janitor"), ["role: janitor > staff"], {"staff"}, "let through; rule 1 (role: janitor > staff)"),
        (adult("j", "janitor"), [], set(), "has only roles that the standard does not know"),
        (adult("p", "parent"), ["role: parent > staff"], set(), "a guardian: kept as a contact of students, not as a member"),
        (
            replace(adult("t"), roles=(SourceRole("teacher", LINCOLN, primary=False),)),
            ["school: other > out"],
            set(),
            "left out by rule 1 (school: other > out)",
        ),
        (
            adult("t"),
            ["title: x > out", "role: teacher > admins", "role: teacher > staff"],
            {"admins"},
            "let through; rule 2 (role: teacher > admins)",
        ),
    ],
)  # fmt: skip
def test_the_first_rule_that_fits_decides(person, lines, groups, why) -> None:  # type: ignore[no-untyped-def]
    verdict = narrowed(person, *lines)
    assert ({place.group for place in verdict.entry.places} if verdict.entry else set()) == groups
    assert verdict.why == why


def test_a_rule_lets_nobody_into_a_group_that_is_off() -> None:
    verdict = narrowed(adult("t"), "role: teacher > staff", policy=Policy(teachers=ON))
    assert (verdict.entry, verdict.why) == (None, "staff are not switched on to roster")
    assert narrowed(student("s"), "role: student > students").entry.places == {
        Place(1, RoleGroup.STUDENTS): "09"
    }


def test_rules_decide_so_they_are_part_of_the_fingerprint_and_lists_by_school_do_not_suffice() -> None:
    plain, own = Policy(students=ON), Policy(students=ON, own=(read_line("role: aide > students"),))
    assert fingerprint((SchoolRule(1, "o", plain),)) != fingerprint((SchoolRule(1, "o", own),))
    assert schools_that_suffice([SchoolRule(1, "o", own)]) == ()
