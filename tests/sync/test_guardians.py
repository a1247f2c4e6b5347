"""The primary contact: ranked, the same every night, with the reason that told; and contacts who are never taken in."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeroom.oneroster.records import Role, User
from homeroom.sync import guardians as g
from homeroom.sync.guardians import rank, without
from homeroom.sync.roster import Guardian, SourcePerson, SourceRole
from homeroom.sync.sources.people import person_of


def contact(id_: str, word: str = "parent", **more: object) -> SourcePerson:
    return SourcePerson(id_, roles=(SourceRole(word, "o"),), **more)  # type: ignore[arg-type]


AUNT, FATHER, MOTHER = contact("a", "relative"), contact("f"), contact("m", "guardian")
UNCLE = contact("u", "relative")


def primary(*people: SourcePerson, agents: str = "", told_by: str = "") -> tuple[str, str]:
    """Who is primary among people of one-letter ids, and why."""
    student = SourcePerson("s", agents=tuple(agents or "".join(p.sourced_id for p in people)))
    family = rank(student, {p.sourced_id: p for p in people}, tuple(told_by))
    return next((one.sourced_id, one.reason) for one in family.guardians if one.primary)


def test_each_step_decides_only_what_those_above_leave_open_and_says_so() -> None:
    marked = replace(AUNT, primary_mark=True)
    assert primary(FATHER, MOTHER, marked) == ("a", g.MARK)
    assert primary(AUNT, MOTHER) == ("m", g.CLOSE)
    assert primary(FATHER, MOTHER, told_by="m") == ("m", g.BOTH)
    assert primary(MOTHER, FATHER) == ("m", g.ORDER)
    assert primary(MOTHER, FATHER, agents="s", told_by="mf") == ("f", g.BY_ID)
    assert primary(MOTHER) == ("m", g.ONLY)
    assert primary(replace(FATHER, primary_mark=True), replace(MOTHER, primary_mark=True)) == ("f", g.ORDER)


def test_whoever_is_restricted_is_no_contact_whatever_speaks_for_them() -> None:
    barred = replace(FATHER, restricted=True, primary_mark=True)
    family = rank(SourcePerson("s", agents=("f", "m")), {"f": barred, "m": MOTHER}, ("f",))
    assert [one.sourced_id for one in family.guardians] == ["m"]
    assert family.restricted == {"f"}
    assert [problem.code for problem in family.problems] == ["restricted_contact"]


def test_six_or_more_are_flagged_and_all_are_taken_in() -> None:
    people = {name: contact(name) for name in "abcdef"}
    six, five = (rank(SourcePerson("s", agents=tuple(names)), people) for names in ("abcdef", "abcde"))
    assert [p.code for p in six.problems] == ["many_guardians"]
    assert (five.problems, len(six.guardians)) == ((), 6)


def test_the_next_in_line_is_primary_where_the_first_is_taken_out() -> None:
    both = (Guardian("f", True, g.ORDER), Guardian("m", False, ""))
    assert [(one.sourced_id, one.primary) for one in without(both, frozenset("f"))] == [("m", True)]
    assert without(both, frozenset("x")) == both
    assert without(both, frozenset("fm")) == ()


@pytest.mark.parametrize(
    ("metadata", "is_it"),
    [
        ({"restricted": "true"}, True),
        ({"contactRestriction": "Court order of 3 May"}, True),
        ({"sis.guardian.no_contact": 1}, True),
        ({"ic": {"restrainingOrder": "Y"}}, True),
        ({"contactAllowed": False}, True),
        ({"restricted": "false"}, False),
        ({"restriction": None}, False),
        ({"courtOrder": "none"}, False),
        ({"contactAllowed": "yes"}, False),
        ({"restrictedLunch": "true"}, False),
    ],
)
def test_a_mark_in_metadata(metadata: dict[str, object], is_it: bool) -> None:
    assert person_of(User(sourced_id="f", metadata=metadata)).restricted is is_it


@pytest.mark.parametrize(
    "word", ["ext:restricted", "ext:restrictedGuardian", "ext:noContact", "ext:do-not-contact"]
)
def test_a_mark_in_a_role_word(word: str) -> None:
    user = User(sourced_id="f", roles=(Role(role="parent", org="o"), Role(role=word, org="o")))
    assert person_of(user).restricted
    assert not person_of(User(sourced_id="f", roles=(Role(role="ext:primaryGuardian", org="o"),))).restricted


contacts = st.builds(
    contact,
    st.sampled_from("abcdefgh"),
    st.sampled_from(["parent", "guardian", "relative", "student"]),
    primary_mark=st.booleans(),
    restricted=st.booleans(),
    leaving=st.booleans(),
)


@given(st.lists(contacts, max_size=8, unique_by=lambda one: one.sourced_id), st.data())
def test_laws_of_the_choice(people: list[SourcePerson], data: st.DataObject) -> None:
    known = {one.sourced_id: one for one in people}
    agents = tuple(data.draw(st.permutations(sorted(known))))
    told_by = data.draw(st.lists(st.sampled_from(sorted(known)), unique=True)) if known else []
    family = rank(SourcePerson("s", agents=agents), known, told_by)
    again = rank(SourcePerson("s", agents=agents), dict(reversed(known.items())), told_by[::-1])
    assert family == again
    named = {one.sourced_id for one in family.guardians}
    assert not named & family.restricted
    assert not any(known[id_].restricted or known[id_].leaving for id_ in named)
    assert [one.primary for one in family.guardians] == [n == 0 for n in range(len(named))]
    assert all(bool(one.reason) == one.primary for one in family.guardians)
