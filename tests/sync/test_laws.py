"""The laws of the engine, on invented districts that Hypothesis draws.

Carrying the plan out reaches the roster that the policy wants; planning again finds nothing; nobody disappears; an incomplete
reading archives no one; a plan survives being saved and read.
"""

import json
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from homeroom.sync import diff, plan
from homeroom.sync.changes import Action, Change
from homeroom.sync.guardians import rank
from homeroom.sync.matching import Candidates, match
from homeroom.sync.narrow import by_org, narrow
from homeroom.sync.plan import Directory
from homeroom.sync.roster import (
    PERSON_FIELDS,
    Entry,
    Membership,
    Person,
    Place,
    RoleGroup,
    SourcePerson,
    SourceRole,
)
from homeroom.sync.rules import KEEPABLE, GroupPolicy, Policy, SchoolRule, fingerprint
from homeroom.sync.terms import Terms

TODAY = date(2026, 9, 1)
SCHOOLS = {1: "org-1", 2: "org-2"}
words = st.sampled_from(["student", "teacher", "aide", "principal", "parent", "Student", "janitor"])
texts = st.text(st.characters(categories=("L", "M", "Zs", "Pd")), max_size=8).map(str.strip)
roles = st.builds(SourceRole, word=words, org=st.sampled_from(["org-1", "org-2", "org-9"]))
keeps = st.just(()) | st.sets(st.sampled_from(KEEPABLE), max_size=2).map(lambda names: tuple(sorted(names)))
switches = st.builds(GroupPolicy, st.booleans(), st.booleans(), st.booleans(), keeps)
policies = st.builds(Policy, switches, switches, switches, switches, st.booleans())
places = st.builds(Place, st.sampled_from([1, 2]), st.sampled_from(list(RoleGroup)))
members = st.builds(
    Membership,
    grade=st.sampled_from(["", "09", "10"]),
    active=st.booleans(),
    managed=st.booleans(),
    ended_by_hand=st.booleans(),
)


@st.composite
def records(draw: st.DrawFn, number: int) -> SourcePerson:
    """A user record, some of them nameless, leaving, or without a role that counts."""
    return SourcePerson(
        f"id-{number}",
        leaving=draw(st.integers(0, 9)) == 0,
        given_name=draw(texts),
        family_name=draw(texts),
        email=draw(st.sampled_from(["", f"{number}@x.example", "shared@x.example"])),
        number=draw(st.sampled_from(["", f"n{number}", "n1"])),
        grade=draw(st.sampled_from(["", "09", "10"])),
        roles=tuple(draw(st.lists(roles, max_size=3))),
    )


@st.composite
def people(draw: st.DrawFn, number: int) -> Person:
    """A person of the directory, in any state that a directory can be in."""
    return Person(
        number,
        fields={name: draw(texts) for name in PERSON_FIELDS},
        places=draw(st.dictionaries(places, members, max_size=3)),
        kept=frozenset(draw(st.sets(st.sampled_from(PERSON_FIELDS), max_size=2))),
        excluded=draw(st.integers(0, 7)) == 0,
        protected=draw(st.integers(0, 7)) == 0,
    )


@st.composite
def nights(
    draw: st.DrawFn,
) -> tuple[Directory, dict[str, SourcePerson | None], Terms, tuple[SchoolRule, ...]]:
    """A directory in which person N is linked to record id-N, tonight's records (None = absent), and the terms."""
    count = draw(st.integers(1, 6))
    known = draw(st.sets(st.integers(1, count)))
    directory = {number: draw(people(number)) for number in sorted(known)}
    told = {
        f"id-{n}": draw(st.none() | records(n)) if n in known else draw(records(n))
        for n in range(1, count + 1)
    }
    rules = tuple(SchoolRule(school, org, draw(policies)) for school, org in SCHOOLS.items())
    return directory, told, Terms({rule.school: rule.policy for rule in rules}, draw(st.booleans())), rules


def planned(
    directory: Directory, told: dict[str, SourcePerson | None], terms: Terms, rules: tuple[SchoolRule, ...]
) -> list[Change]:
    """The plan of one night: every record by its link, the others as new people."""
    changes: list[Change] = []
    for sourced_id, record in told.items():
        number = int(sourced_id.removeprefix("id-"))
        entry = narrow(record, by_org(rules), TODAY).entry if record else None
        person = directory.get(number)
        if person is not None:
            found = match(entry, Candidates(linked=person)) if entry else None
            how = found.how if found else "linked by sourcedId"
            changes += diff.compare(
                entry, person, how, terms, sourced_id, frozenset(), leads=True, closes=True
            ).changes
        elif entry is not None:
            changes += diff.add(entry, number, "new", terms).changes
    return changes


def acts(changes: list[Change]) -> list[Change]:
    """Those that change somebody; a Skip that takes a membership on changes whose care it is in."""
    return [change for change in changes if change.action is not Action.SKIP or "managed" in change.fields]


def entry_of(record: SourcePerson | None, rules: tuple[SchoolRule, ...]) -> Entry | None:
    return narrow(record, by_org(rules), TODAY).entry if record else None


@given(nights())
def test_planning_again_finds_nothing(night) -> None:  # type: ignore[no-untyped-def]
    directory, told, terms, rules = night
    after = plan.apply(directory, planned(directory, told, terms, rules))
    assert acts(planned(after, told, terms, rules)) == []


@given(nights())
def test_carrying_the_plan_out_reaches_the_roster_that_the_policy_wants(night) -> None:  # type: ignore[no-untyped-def]
    directory, told, terms, rules = night
    after = plan.apply(directory, planned(directory, told, terms, rules))
    for sourced_id, record in told.items():
        number = int(sourced_id.removeprefix("id-"))
        entry, before = entry_of(record, rules), directory.get(number)
        if before is not None and before.excluded:
            assert after[number] == before
            continue
        for place in entry.places if entry else ():
            held = before.places.get(place) if before else None
            by_hand = held is not None and not held.active and held.ended_by_hand
            assert after[number].places[place].active != by_hand
            kept = "grade" in terms.keeps([place])
            if terms.updates(place) and not by_hand and not kept and entry.places[place]:  # type: ignore[union-attr]
                assert after[number].places[place].grade == entry.places[place]  # type: ignore[union-attr]
        if before is not None:
            _check_leaving(entry, before, after[number], terms)


def _check_leaving(entry: Entry | None, before: Person, after: Person, terms: Terms) -> None:
    """Who goes: exactly those managed, in a rostered place that archives, absent from a complete reading, unprotected."""
    for place, held in before.places.items():
        if held.active and place not in (entry.places if entry else {}):
            goes = (
                held.managed
                and terms.complete
                and terms.rosters(place)
                and terms.archives(place)
                and not before.protected
            )
            assert after.places[place].active != goes


@given(nights())
def test_nobody_disappears(night) -> None:  # type: ignore[no-untyped-def]
    directory, told, terms, rules = night
    after = plan.apply(directory, planned(directory, told, terms, rules))
    assert directory.keys() <= after.keys()
    assert all(person.places.keys() <= after[number].places.keys() for number, person in directory.items())


@given(nights())
def test_an_incomplete_reading_archives_no_one(night) -> None:  # type: ignore[no-untyped-def]
    directory, told, terms, rules = night
    changes = planned(directory, told, Terms(terms.policies, complete=False), rules)
    assert not [change for change in changes if change.action is Action.ARCHIVE]


@given(nights())
def test_what_was_edited_by_hand_stays(night) -> None:  # type: ignore[no-untyped-def]
    directory, told, terms, rules = night
    after = plan.apply(directory, planned(directory, told, terms, rules))
    for number, person in directory.items():
        assert {name: after[number].fields[name] for name in person.kept} == {
            name: person.fields[name] for name in person.kept
        }


@given(nights())
def test_nothing_changes_while_everything_is_off(night) -> None:  # type: ignore[no-untyped-def]
    directory, told, terms, _ = night
    off = tuple(SchoolRule(school, org, Policy()) for school, org in SCHOOLS.items())
    changes = planned(directory, told, Terms({rule.school: rule.policy for rule in off}, terms.complete), off)
    assert acts(changes) == []


@given(nights())
def test_a_plan_survives_being_saved_and_read(night) -> None:  # type: ignore[no-untyped-def]
    directory, told, terms, rules = night
    changes = planned(directory, told, terms, rules)
    read = [plan.from_json(json.loads(json.dumps(plan.to_json(change)))) for change in changes]
    assert plan.apply(directory, read) == plan.apply(directory, changes)
    assert [plan.to_json(change) for change in read] == [plan.to_json(change) for change in changes]


@given(nights())
def test_a_change_says_what_was_there_before(night) -> None:  # type: ignore[no-untyped-def]
    directory, told, terms, rules = night
    for change in acts(planned(directory, told, terms, rules)):
        before = directory.get(change.subject_id)
        assert change.new == (
            before is None
            and change
            == next(c for c in planned(directory, told, terms, rules) if c.subject_id == change.subject_id)
        )
        assert plan.still_holds(change, before) or before is None


@given(st.lists(records(1), min_size=1, max_size=8), st.randoms())
def test_the_primary_contact_does_not_depend_on_the_order_in_which_records_came(told, chance) -> None:  # type: ignore[no-untyped-def]
    guardians = [
        SourcePerson(f"g{n}", roles=(SourceRole(chance.choice(["parent", "relative"]), "o"),))
        for n, _ in enumerate(told)
    ]
    student = SourcePerson("s", agents=tuple(g.sourced_id for g in guardians))
    shuffled = chance.sample(guardians, len(guardians))
    first = rank(student, {g.sourced_id: g for g in guardians}, ["g0"])
    again = rank(student, {g.sourced_id: g for g in shuffled}, ["g0"])
    assert first == again
    assert [guardian.primary for guardian in first.guardians].count(True) == 1


@given(policies, policies)
def test_policies_that_decide_otherwise_have_other_fingerprints(one: Policy, other: Policy) -> None:
    same = all(one.of(group) == other.of(group) for group in RoleGroup) and one.parents == other.parents
    assert (fingerprint((SchoolRule(1, "o", one),)) == fingerprint((SchoolRule(1, "o", other),))) == same
