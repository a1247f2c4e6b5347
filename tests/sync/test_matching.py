"""Matching: by link, by number, by an e-mail that only one has; never by name, and never when signs disagree."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeroom.sync.matching import Candidates, Decision, Match, Rule, Verdict, match
from homeroom.sync.roster import PERSON_FIELDS, Entry, Membership, Person, Place, RoleGroup

HERE = Place(1, RoleGroup.STUDENTS)
THERE = Place(2, RoleGroup.STUDENTS)
STAFF = Place(1, RoleGroup.STAFF)
TEACHER = Place(2, RoleGroup.TEACHERS)
EMAIL_FIRST = (Rule.EMAIL, Rule.NUMBER)


def entry(place: Place = HERE, **fields: str) -> Entry:
    return Entry("id", {**dict.fromkeys(PERSON_FIELDS, ""), **fields}, {place: ""})


def person(id_: int, place: Place = HERE, **fields: str) -> Person:
    return Person(id_, {**dict.fromkeys(PERSON_FIELDS, ""), **fields}, {place: Membership()})


def known(*, number: tuple[Person, ...] = (), email: tuple[Person, ...] = (), **more: object) -> Candidates:
    return Candidates(by_number=number, by_email=email, **more)  # type: ignore[arg-type]


def meant_elsewhere(one: Person, *places: Place) -> dict[int, tuple[str, frozenset[Place]]]:
    return {one.id: ("other", frozenset(places or (THERE,)))}


def test_a_link_once_made_wins_over_every_other_sign() -> None:
    linked, other = person(1, number="9"), person(2, number="7")
    assert match(entry(number="7"), Candidates(linked=linked, by_number=[other])).person is linked


def test_a_number_recognises_a_person_of_the_same_kind() -> None:
    seven = known(number=(person(1, number="7"),))
    assert match(entry(number="7"), seven).how == "matched by student number"
    assert match(entry(STAFF, number="7"), seven).person is None


def test_an_email_that_only_one_has_recognises_a_person() -> None:
    assert match(entry(email="a@x.example"), known(email=(person(1),))).how == "matched by e-mail"


def test_the_sign_of_somebody_merged_recognises_who_was_kept_and_asks_where_another_record_stands_already() -> (
    None
):
    kept = person(1, number="8")
    elsewhere = known(number=(kept,), merged=frozenset({1}), live=meant_elsewhere(kept, THERE))
    assert match(entry(number="7"), elsewhere).person is kept
    here = replace(elsewhere, live=meant_elsewhere(kept, HERE))
    assert (match(entry(number="7"), here).person, match(entry(number="7"), here).problem is None) == (
        None,
        False,
    )
    assert (
        "somebody who was merged"
        in match(entry(email="a@x.example"), replace(here, by_number=(), by_email=[kept])).why
    )


def test_the_same_name_recognises_nobody() -> None:
    assert match(entry(given_name="Ana", family_name="Lopez"), Candidates()).how == "new"


ANA = person(1, number="8", email="a@x.example")
BEN = person(2, number="7", email="b@x.example")
NO_NUMBER = person(3, email="a@x.example")
TEACHES = person(4, STAFF, email="a@x.example")
CONTESTED = {
    "two people with its number": (entry(number="7"), known(number=(BEN, person(9, number="7")))),
    "two people with its e-mail": (entry(email="a@x.example"), known(email=(ANA, NO_NUMBER))),
    "number of one, e-mail of another": (
        entry(number="7", email="a@x.example"),
        known(number=(BEN,), email=(ANA,)),
    ),
    "e-mail of somebody with another number": (entry(number="7", email="a@x.example"), known(email=(ANA,))),
    "an e-mail on several records": (
        entry(email="a@x.example"),
        known(email=(NO_NUMBER,), email_shared=True),
    ),
    "an e-mail of somebody with a record elsewhere": (
        entry(email="a@x.example"),
        known(email=(NO_NUMBER,), live=meant_elsewhere(NO_NUMBER)),
    ),
    "a member of staff's e-mail on a student": (
        entry(number="7", email="a@x.example"),
        known(email=(TEACHES,), live=meant_elsewhere(TEACHES, STAFF)),
    ),
}


@pytest.mark.parametrize("name", CONTESTED)
def test_what_is_contested_is_for_a_person_to_decide(name: str) -> None:
    found = match(*CONTESTED[name])
    assert (found.person, found.problem and found.problem.code) == (None, "ambiguous_match")
    assert found.why
    assert found.rivals


def test_a_number_that_neither_name_nor_email_bears_out_is_for_a_person_to_decide() -> None:
    ben = person(2, number="7", email="b@x.example", given_name="Ben", family_name="Okoro")
    other = {"number": "7", "given_name": "Otto", "family_name": "Weiss"}
    assert match(entry(**other), known(number=(ben,))).problem is not None
    assert match(entry(**other), known(number=(ben,), live=meant_elsewhere(ben))).problem is not None
    assert match(entry(**{**other, "given_name": "BEN"}), known(number=(ben,))).person is ben
    assert match(entry(**other, email="B@x.example"), known(number=(ben,), email=(ben,))).person is ben


def test_siblings_who_share_an_address_are_two_people() -> None:
    live = meant_elsewhere(ANA)
    assert match(entry(number="7", email="a@x.example"), known(email=(ANA,), live=live)).how == "new"
    here = meant_elsewhere(NO_NUMBER, HERE)
    assert match(entry(email="a@x.example"), known(email=(NO_NUMBER,), live=here)).how == "new"


def test_one_number_and_one_email_at_two_schools_is_one_person() -> None:
    found = match(
        entry(number="7", email="B@x.example"), known(number=(BEN,), email=(BEN,), live=meant_elsewhere(BEN))
    )
    assert found.person is BEN


def test_a_sign_is_contradicted_only_by_one_above_it() -> None:
    by_email = entry(number="7", email="a@x.example"), known(email=(ANA,))
    assert match(*by_email).problem is not None
    assert match(*by_email, rules=EMAIL_FIRST).person is ANA
    by_number = entry(number="7", email="c@x.example"), known(number=(BEN,))
    assert match(*by_number).person is BEN
    assert match(*by_number, rules=EMAIL_FIRST).problem is not None


def test_a_rule_that_is_switched_off_recognises_nobody_and_contradicts_nobody() -> None:
    both = entry(number="7", email="a@x.example"), known(number=(BEN,), email=(ANA,))
    assert match(*both, rules=(Rule.NUMBER,)).person is BEN
    assert match(*both, rules=(Rule.EMAIL,)).person is ANA
    assert match(*both, rules=()).how == "new"


def decided(asked: Match, verdict: Verdict, chosen: str = "") -> Decision:
    return Decision(verdict, asked.facts, chosen, "r.diaz@lincoln.example")


@pytest.mark.parametrize("name", CONTESTED)
def test_a_decision_is_kept_while_the_facts_stay_the_same(name: str) -> None:
    about = CONTESTED[name]
    asked = match(*about)
    for rival in asked.rivals:
        found = match(*about, decision=decided(asked, Verdict.SAME, rival.key))
        assert (found.person, found.problem) == (rival.person, None)
        assert "decided by r.diaz@lincoln.example" in found.how
    different = match(*about, decision=decided(asked, Verdict.DIFFERENT))
    assert (different.person, different.problem, different.ignored) == (None, None, False)
    assert match(*about, decision=decided(asked, Verdict.IGNORE)).ignored


def test_changed_facts_ask_again_and_a_changed_name_does_not() -> None:
    about, candidates = CONTESTED["e-mail of somebody with another number"]
    kept = decided(match(about, candidates), Verdict.IGNORE)
    renamed = replace(about, fields={**about.fields, "given_name": "Anna"})
    assert match(renamed, candidates, decision=kept).ignored
    for changed in (
        entry(number="6", email="a@x.example"),
        entry(THERE, number="7", email="a@x.example"),
    ):
        assert match(changed, candidates, decision=kept).problem is not None
    other = known(email=(replace(ANA, fields={**ANA.fields, "number": "5"}),))
    assert match(about, other, decision=kept).problem is not None


def test_a_decision_about_somebody_who_is_only_planned_holds_once_they_are_there() -> None:
    about = entry(email="a@x.example")
    asked = match(about, known(email=(NO_NUMBER,), live=meant_elsewhere(NO_NUMBER)))
    kept = decided(asked, Verdict.SAME, "record other")
    there = replace(NO_NUMBER, id=4711)
    assert match(about, known(email=(there,), live=meant_elsewhere(there)), decision=kept).person is there


# Laws.

names = st.sampled_from(["", "Ana", "Ben"])
places = st.sampled_from([HERE, THERE, STAFF, TEACHER])
fields = st.fixed_dictionaries(
    {
        "given_name": names,
        "family_name": names,
        "middle_name": names,
        "number": st.sampled_from(["", "7", "8"]),
        "email": st.sampled_from(["", "a@x.example", "b@x.example"]),
    }
)
rules = st.permutations(list(Rule)).flatmap(
    lambda order: st.sampled_from([(), tuple(order[:1]), tuple(order)])
)


def of(about: Entry, people: list[Person], name: str) -> list[Person]:
    return [one for one in people if about.fields[name] and one.fields[name] == about.fields[name]]


@st.composite
def meetings(draw: st.DrawFn) -> tuple[Entry, Candidates]:
    """A record beside a directory, with the candidates that a plan would find in it."""
    place = draw(places)
    about = Entry("id", {**dict.fromkeys(PERSON_FIELDS, ""), **draw(fields)}, {place: ""})
    directory = [person(n, draw(places), **draw(fields)) for n in range(1, draw(st.integers(1, 4)) + 1)]
    live = {one.id: (f"r{one.id}", frozenset({draw(places)})) for one in directory if draw(st.booleans())}
    free = [one for one in directory if one.id not in live or place not in live[one.id][1]]
    shared = draw(st.booleans())
    by_number, by_email = of(about, free, "number"), of(about, directory, "email")
    return about, Candidates(None, by_number, by_email, shared, live)


@given(meetings(), rules, st.randoms())
def test_a_match_does_not_depend_on_the_order_of_candidates(meeting, order, chance) -> None:  # type: ignore[no-untyped-def]
    about, candidates = meeting
    shuffled = replace(
        candidates,
        by_number=chance.sample(candidates.by_number, len(candidates.by_number)),
        by_email=chance.sample(candidates.by_email, len(candidates.by_email)),
    )
    assert match(about, candidates, order) == match(about, shuffled, order)


@given(meetings(), rules, names, names)
def test_nobody_is_ever_matched_by_name(meeting, order, given_name, family_name) -> None:  # type: ignore[no-untyped-def]
    about, candidates = meeting
    renamed = replace(about, fields={**about.fields, "given_name": given_name, "family_name": family_name})
    one, other = match(about, candidates, order), match(renamed, candidates, order)
    assert (one.how == "new") == (other.how == "new")
    if one.person is not None and other.person is not None:
        assert one.person == other.person


@given(meetings(), rules)
def test_whoever_is_matched_shares_a_sign_that_nobody_else_has(meeting, order) -> None:  # type: ignore[no-untyped-def]
    about, candidates = meeting
    found = match(about, candidates, order)
    if found.person is None:
        return
    shared = [
        rule for rule in order if about.fields[rule] and about.fields[rule] == found.person.fields[rule]
    ]
    assert shared
    by_sign = {Rule.NUMBER: candidates.by_number, Rule.EMAIL: candidates.by_email}
    assert any(found.person in by_sign[rule] for rule in shared)


@given(meetings(), rules, st.sampled_from(list(Verdict)), st.data())
def test_what_was_decided_is_not_asked_again(meeting, order, verdict, data) -> None:  # type: ignore[no-untyped-def]
    asked = match(*meeting, order)
    if asked.problem is None:
        return
    chosen = data.draw(st.sampled_from(asked.rivals))
    found = match(*meeting, order, Decision(verdict, asked.facts, chosen.key))
    assert found.problem is None
    assert found.person == (chosen.person if verdict is Verdict.SAME else None)
    assert found.ignored == (verdict is Verdict.IGNORE)
