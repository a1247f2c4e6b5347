"""The laws of the policy, where somebody could be overwritten or archived: kept fields, grace, excluded people, periods."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from homeroom.sync import diff, plan
from homeroom.sync.changes import Action
from homeroom.sync.periods import Period, PeriodKind
from homeroom.sync.roster import Entry, Membership, Person, Place, RoleGroup
from homeroom.sync.rules import NAMES, Grace, GroupPolicy, Policy, SchoolRule, in_force
from homeroom.sync.terms import Terms, terms_of
from tests.sync.test_laws import SCHOOLS, TODAY, acts, entry_of, nights, planned, policies

HERE = Place(1, RoleGroup.STUDENTS)
ON = GroupPolicy(roster=True, auto_update=True, archive=True)
ANA = Person(1, {"given_name": "Ana"}, {HERE: Membership("09")})
THERE = Entry("id-1", {"given_name": "Ana"}, {HERE: "09"})
kinds = st.sampled_from(list(PeriodKind))


@given(nights())
def test_a_field_that_the_source_may_not_set_is_never_written(night) -> None:  # type: ignore[no-untyped-def]
    directory, told, terms, rules = night
    for change in acts(planned(directory, told, terms, rules)):
        entry = entry_of(told[change.sourced_id], rules)
        places = [*(entry.places if entry else ()), Place(change.school, change.group)]
        written = set(change.fields) - (set(NAMES) if change.new else set())
        assert not written & (terms.keeps(places) - {"grade"})
        assert "grade" not in written or "grade" not in terms.keeps([Place(change.school, change.group)])


@given(nights())
def test_a_person_excluded_from_sync_is_never_touched(night) -> None:  # type: ignore[no-untyped-def]
    directory, told, terms, rules = night
    after = plan.apply(directory, planned(directory, told, terms, rules))
    assert all(after[number] == person for number, person in directory.items() if person.excluded)


@given(nights(), kinds, st.sampled_from(list(SCHOOLS)))
def test_additions_only_and_a_pause_never_archive_nor_update(night, kind, school) -> None:  # type: ignore[no-untyped-def]
    directory, told, terms, rules = night
    period = Period(kind, TODAY, TODAY)
    narrowed = tuple(
        in_force(replace(rule, policy=replace(rule.policy, periods=(period,))), TODAY)
        if rule.school == school
        else rule
        for rule in rules
    )
    changes = planned(directory, told, terms_of(narrowed, TODAY, complete=terms.complete), narrowed)
    mine = [change for change in acts(changes) if change.school == school]
    allowed = {Action.ADD, Action.RESTORE, Action.SKIP} if kind is PeriodKind.ADDITIONS else set()
    assert {change.action for change in mine} <= allowed
    assert not [
        change for change in mine if "missing_runs" in change.fields and change.fields["missing_runs"][1]
    ]


@given(policies, st.integers(-3, 3), kinds)
def test_a_period_holds_from_its_first_day_to_its_last(policy: Policy, days: int, kind: PeriodKind) -> None:
    period = Period(kind, TODAY - timedelta(days=1), TODAY + timedelta(days=1))
    rule = SchoolRule(1, "org-1", replace(policy, periods=(period,)))
    assert (in_force(rule, TODAY + timedelta(days=days)) != rule) == (abs(days) <= 1)


NIGHTS = st.lists(
    st.tuples(st.sampled_from(["there", "absent", "incomplete"]), st.integers(0, 2)), min_size=1, max_size=12
)


@given(NIGHTS, st.integers(1, 4), st.integers(0, 4))
def test_grace_never_shortens(told: list[tuple[str, int]], runs: int, days: int) -> None:
    """Archived exactly when absent from so many complete readings on end, the first of them so many days ago."""
    policy = Policy(students=ON, grace=Grace(runs, days))
    person, today, absent = ANA, TODAY, []
    for night, later in told:
        today += timedelta(days=later)
        terms = Terms({1: policy}, complete=night != "incomplete", today=today)
        entry = THERE if night == "there" else None
        changes = diff.compare(
            entry, person, "linked", terms, "id-1", frozenset(), leads=True, closes=True
        ).changes
        absent = [] if night == "there" else [*absent, today] if night == "absent" else absent
        due = night == "absent" and len(absent) >= runs and (today - absent[0]).days >= days
        assert [change for change in changes if change.action is Action.ARCHIVE] == (
            list(changes) if due else []
        )
        assert bool(changes) or not due
        person = plan.apply({1: person}, changes)[1]
        if due:
            return
        assert person.places[HERE].missing_runs == len(absent)
        assert person.places[HERE].missing_since == (absent[0] if absent else None)


def test_whoever_is_missing_is_looked_at_again_though_nothing_comes() -> None:
    terms = Terms({1: Policy(students=ON, grace=Grace(3, 2))}, complete=True, today=date(2026, 9, 1))
    outcome = diff.compare(None, ANA, "linked", terms, "id-1", frozenset(), leads=True, closes=True)
    assert not outcome.final
    assert outcome.changes[0].reason == (
        "no longer in the SIS for this school; leaving soon: absent from 1 of 3 complete syncs, "
        "since 2026-09-01 (at least 2 days)"
    )
