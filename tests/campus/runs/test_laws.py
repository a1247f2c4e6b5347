"""The laws of the design over the whole engine, on a real database: a district lives through whatever Hypothesis thinks of.

A short life in every run of the tests; a long one: HOMEROOM_LIVES=200 pytest tests/campus/runs/test_laws.py
The same long one once more: with --hypothesis-seed=7, or any number.
"""

import os
from collections.abc import Callable
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from homeroom.campus.runs import rekeys
from homeroom.campus.runs.by_hand import merging
from homeroom.campus.runs.by_hand.decide import CannotDecide, approve, discard, undo
from homeroom.campus.runs.models import Change, ChangedRecord, Run, Staged
from homeroom.sync.roster import SourcePerson
from tests.campus.runs import laws
from tests.campus.runs.districts import OWNERS_ACTS, SIS_CHANGES, Owners, Sis
from tests.campus.world import EVERYTHING, World
from tests.invented import Told

pytestmark = [pytest.mark.slow, pytest.mark.timeout(0)]  # long lives take hours
LIVES = int(os.environ.get("HOMEROOM_LIVES", "5"))
STEPS = int(os.environ.get("HOMEROOM_STEPS", "12"))
# A life that broke a law is made shorter only when asked: that takes minutes.
PHASES = [
    Phase.generate,
    *([Phase.shrink] if "HOMEROOM_SHRINK" in os.environ else []),
]
numbers = st.integers(0, 99)
Doing = tuple[Callable[[Any, int, int], None], int, int]
_serial = count()


def doings(choices: list[Callable[[Any, int, int], None]]) -> st.SearchStrategy[list[Doing]]:
    return st.lists(st.tuples(st.sampled_from(choices), numbers, numbers), max_size=5)


class District(RuleBasedStateMachine):
    """Days on which the SIS changes and owners act, and nights between them."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(f"District {next(_serial)}")
        self.sis, self.owners = Sis(f"d{self.world.district.pk}"), Owners(self.world)

    @initialize(everything=st.integers(0, 3), first=doings([Sis.students_arrive, Sis.arrive]))
    def begin(self, everything: int, first: list[Doing]) -> None:
        for school in (self.world.lincoln, self.world.oakwood) if everything else ():
            self.world.configure(*EVERYTHING, "parents=on", school=school)
        self._day(first, [])

    def _day(self, sis: list[Doing], owners: list[Doing]) -> None:
        for change, one, other in sis:
            change(self.sis, one, other)
        for act, one, other in owners:
            act(self.owners, one, other)

    # --- nights

    def _night(self, **told: Any) -> tuple[laws.Directory, laws.Directory, Run]:
        before = laws.look(self.world)
        run = self.world.night(list(self.sis.people.values()), **told)
        assert run.state in ("done", "held", "planned"), (run.state, run.message)
        after = laws.look(self.world)
        if told.get("dry_run"):
            assert after == before, "a dry run changed somebody"
        else:
            laws.check_night(before, after, run, laws.policies(self.world), self.world.connection.pk)
            assert not Change.objects.filter(run=run, state="planned").exists()
            assert not Staged.objects.filter(run=run).exists()
        return before, after, run

    @rule(sis=doings(SIS_CHANGES), owners=doings(OWNERS_ACTS))
    def a_day_and_a_night(self, sis: list[Doing], owners: list[Doing]) -> None:
        self._day(sis, owners)
        _, after, run = self._night()
        laws.roster_is_reached(self.world, self.sis.people.values(), after, run)

    @rule(sis=doings(SIS_CHANGES), owners=doings(OWNERS_ACTS))
    def a_night_and_the_same_again(self, sis: list[Doing], owners: list[Doing]) -> None:
        self._day(sis, owners)
        _, _, first = self._night()
        rows, marks = Change.objects.count(), laws.marks(self.world)
        # A question may fall away by what the first night did to the person whom it was about.
        asked = list(self.world.connection.reviews.filter(state="open").values_list("sourced_id", flat=True))
        _, _, run = self._night()
        if not first.complete:
            return
        acts = Change.objects.filter(run=run).exclude(action="skip").exclude(state="held")
        acts = acts.exclude(sourced_id__in=asked)
        assert not acts.exists(), list(acts.values("action", "sourced_id", "fields", "reason"))
        if run.unchanged == len(self.sis.people) and first.state == "done":
            assert (Change.objects.count(), laws.marks(self.world)) == (rows, marks), (
                "an unchanged night wrote"
            )

    @rule(sis=doings(SIS_CHANGES), cut=st.integers(0, 9))
    def half_a_reading(self, sis: list[Doing], cut: int) -> None:
        self._day(sis, [])
        _, _, run = self._night(cut=cut)
        assert not run.complete

    @rule(sis=doings(SIS_CHANGES))
    def a_reading_with_a_doubt(self, sis: list[Doing]) -> None:
        self._day(sis, [])
        _, after, run = self._night(trouble="the data revision moved")
        assert not run.complete
        laws.roster_is_reached(self.world, self.sis.people.values(), after, run)

    @rule(sis=doings(SIS_CHANGES), owners=doings(OWNERS_ACTS))
    def a_dry_run_plans_what_the_night_does(self, sis: list[Doing], owners: list[Doing]) -> None:
        self._day(sis, owners)
        _, _, dry = self._night(dry_run=True)
        planned = _plan(dry)
        stored = self._stored(dry)
        # A SIS with nobody in it proves nothing, and of whom no rule lets through nothing is stored: neither the new bytes of a
        # parent who is nobody's contact, whose families are looked at and left as they are, nor a sign that somebody elsewhere
        # shares, which may make a pair of a re-key unsure.
        if stored.told and not dry.rekeys.exists():
            replayed = self.world.sync(stored, dry_run=True)
            assert _acts(_plan(replayed)) == _acts(planned), "what was stored gives another plan"
        _, _, run = self._night()
        assert _plan(run) == planned

    def _stored(self, run: Run) -> Told:
        """The source as what was stored of it tells it."""
        changed = {r.sourced_id: bytes(r.raw) for r in ChangedRecord.objects.filter(run=run)}
        kept = self.world.connection.records.exclude(raw=None).filter(gone=False)
        said = {r.sourced_id: bytes(r.raw) for r in kept if r.sourced_id in self.sis.people} | changed
        return Told(
            [msgspec.json.decode(said[id_], type=SourcePerson) for id_ in self.sis.people if id_ in said]
        )

    # --- decisions

    @rule(yes=st.booleans(), at_lincoln=st.booleans(), owners=doings(OWNERS_ACTS))
    def what_waits_is_decided(self, yes: bool, at_lincoln: bool, owners: list[Doing]) -> None:
        self._day([], owners)
        waits = Run.objects.filter(connection=self.world.connection, state__in=("held", "planned"))
        run = waits.order_by("-id").first()
        if run is None:
            return
        before, now = laws.look(self.world), self.owners.moment()
        try:
            part = self.world.lincoln if at_lincoln else None
            (approve if yes else discard)(run, self.owners.account, lambda: now, part)
        except CannotDecide:
            return
        after = laws.look(self.world)
        laws.nobody_is_lost(before, after)
        laws.links_stay(before, after, laws.relinked(run))
        laws.hands_off(before, after)
        laws.nobody_merged_comes_back(after)
        gone = {key for key in before.managed() if not after.places[key].active}
        assert not gone or (run.complete and yes)
        assert not {key[0] for key in gone} & before.protected

    @rule(sis=doings(SIS_CHANGES), owners=doings(OWNERS_ACTS), same=st.booleans())
    def the_ids_are_dealt_out_anew(self, sis: list[Doing], owners: list[Doing], same: bool) -> None:
        self._day(sis, owners)
        self._night()
        self.sis.deal_out_new_ids(0, 0)
        before, _, run = self._night()
        if not run.rekeys.exists():
            return
        if not same:
            self._they_are_other_people(run)
            return
        try:
            approve(run, self.owners.account, self.world.clock)
        except CannotDecide:
            return
        after = laws.look(self.world)
        laws.relinks_keep_everybody(before, after, run)
        back = undo(run, self.owners.account, self.owners.moment)
        _is_as_it_was(before, laws.look(self.world), _left(back))
        undo(back, self.owners.account, self.owners.moment)
        _is_as_it_was(after, laws.look(self.world), _left(back))
        _, now, _ = self._night()
        laws.links_stay(after, now)

    def _they_are_other_people(self, run: Run) -> None:
        """As the page of the re-key does it."""
        for school in (self.world.lincoln, self.world.oakwood):
            if run.rekeys.filter(school=school).exists():
                rekeys.other_people(run, school, self.owners.account, self.owners.moment())
                discard(run, self.owners.account, self.world.clock, school)
        self._night()

    # --- merging and splitting

    @rule(which=numbers, other=numbers, owners=doings(OWNERS_ACTS))
    def two_are_merged_and_it_is_taken_back(self, which: int, other: int, owners: list[Doing]) -> None:
        self._day([], owners)
        self._done_and_taken_back(lambda: self.owners.merge(which, other))

    @rule(which=numbers, what=numbers, sis=doings(SIS_CHANGES))
    def one_is_split_and_it_is_taken_back(self, which: int, what: int, sis: list[Doing]) -> None:
        self._day([*sis, (Sis.get_a_second_record, which, what)], [])
        self._night()
        self._done_and_taken_back(lambda: self.owners.split(which, what))

    def _done_and_taken_back(self, act: Callable[[], None]) -> None:
        before, rows = laws.look(self.world), set(_takeable(self.world))
        act()
        for change in _takeable(self.world):
            if change not in rows:
                merging.undo(change, self.owners.account, self.owners.moment())
                laws.taken_back(before, laws.look(self.world))

    @rule(sis=doings(SIS_CHANGES), owners=doings(OWNERS_ACTS))
    def a_night_is_undone_and_done_again(self, sis: list[Doing], owners: list[Doing]) -> None:
        self._day(sis, owners)
        before, after, run = self._night()
        try:
            back = undo(run, self.owners.account, self.owners.moment)
            _is_as_it_was(before, laws.look(self.world), _left(back))
            again = undo(back, self.owners.account, self.owners.moment)
            _is_as_it_was(after, laws.look(self.world), _left(back) | _left(again))
        except CannotDecide:
            return

    @rule(which=numbers, people=st.lists(numbers, max_size=2), at_lincoln=st.booleans())
    def an_older_run_is_undone(self, which: int, people: list[int], at_lincoln: bool) -> None:
        runs = list(
            Run.objects.filter(connection=self.world.connection, state__in=("done", "held")).order_by("-id")[
                :6
            ]
        )
        if not runs:
            return
        chosen = [person.pk for number in people if (person := self.owners.person(number))]
        part, before = self.world.lincoln if at_lincoln else None, laws.look(self.world)
        try:
            undo(runs[which % len(runs)], self.owners.account, self.owners.moment, part, chosen)
        except CannotDecide:
            return
        laws.nobody_is_lost(before, laws.look(self.world))

    @invariant()
    def history_tells_it_all(self) -> None:
        laws.check_history(self.world, self.owners.born)


def _plan(run: Run) -> list[Any]:
    """A plan without the ids that only newcomers' rows have."""
    rows = list(Change.objects.filter(run=run))
    new = {(row.subject, row.subject_id) for row in rows if row.new}
    return sorted(
        (r.action, r.subject, 0 if (r.subject, r.subject_id) in new else r.subject_id, r.sourced_id, r.school_id or 0,
         r.group, str(r.fields), r.reason, r.new)
        for r in rows
    )  # fmt: skip


def _acts(plan: list[Any]) -> list[Any]:
    return [row for row in plan if row[0] != "skip"]


def _takeable(world: World) -> list[Change]:
    """The merges and splits that can be taken back."""
    rows = Change.objects.filter(district=world.district, run=None, state="applied", fields__has_key="moved")
    return list(rows.order_by("id"))


def _left(back: Run) -> set[tuple[str, int]]:
    """What an undo left as it is, because somebody changed it since."""
    return set(Change.objects.filter(run=back, action="skip").values_list("subject", "subject_id"))


def _is_as_it_was(then: laws.Directory, now: laws.Directory, left: set[tuple[str, int]]) -> None:
    def standing(some: laws.Directory) -> tuple[Any, Any]:
        places = {
            (key, place.grade, place.managed_by)
            for key, place in some.places.items()
            if place.active and ("person", key[0]) not in left
        }
        return places, {item for item in some.links.items() if ("person", item[0][0]) not in left}

    assert standing(now) == standing(then)
    assert all(
        now.people[id_] == fields for id_, fields in then.people.items() if ("person", id_) not in left
    )
    assert all(
        now.contacts[id_] == fields for id_, fields in then.contacts.items() if ("contact", id_) not in left
    )


def test_the_laws_hold_whatever_happens(transactional_db: None) -> None:
    long = "HOMEROOM_LIVES" in os.environ
    chosen = settings(
        max_examples=LIVES,
        stateful_step_count=STEPS,
        deadline=None,
        phases=PHASES,
        derandomize=not long,
        database=None,
    )
    run_state_machine_as_test(District, settings=chosen)
