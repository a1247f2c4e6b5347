"""Two who want the same at once: owners on one hold, a hand on somebody in mid-run, a setting in mid-run, two starts. Each has
an outcome that docs/one-sync.md states."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from homeroom.campus.connections.models import Connection, SourceRecord
from homeroom.campus.people.models import Contact, ContactLink, Membership, Person
from homeroom.campus.runs import reviews
from homeroom.campus.runs.by_hand import hand, merging
from homeroom.campus.runs.by_hand.decide import CannotDecide, approve, discard, undo
from homeroom.campus.runs.lock import AlreadyRunning
from homeroom.campus.runs.models import Change, MatchReview, Run
from homeroom.campus.runs.start import make_run
from homeroom.campus.runs.sync import carry_out
from homeroom.sync.matching import Verdict
from homeroom.sync.roster import SourcePerson
from homeroom.web.accounts.models import Account
from tests.campus.world import World
from tests.invented import OAKWOOD, Told, adult, family, student

MANY = [student(f"s{number:02d}") for number in range(40)]


def owner(name: str) -> Account:
    return Account.objects.create_user(f"{name}@lincoln.example")


def night_with(world: World, people: list[Any], step: str, act: Callable[[], object]) -> Run:
    """A night in which somebody does something as soon as a step has begun."""
    run = make_run(Connection.objects.get(pk=world.connection.pk), "nightly", None)
    return carried_out_with(run, world, Told(people), step, act)


def carried_out_with(
    run: Run, world: World, source: Told | None, step: str, act: Callable[[], object]
) -> Run:
    done: list[str] = []

    def watch(now: str, _done: int, _total: int) -> None:
        if now == step and not done:
            done.append(now)
            act()

    carried = carry_out(run, source, clock=world.clock, watch=watch)
    assert done
    return carried


def at_once(*works: Callable[[], object]) -> list[object]:
    """What each came to, or the exception with which it was refused; all begun at one moment, each on a connection of its own."""
    results: list[object] = [None] * len(works)
    gate = threading.Barrier(len(works))

    def one(number: int) -> None:
        try:
            gate.wait()
            results[number] = works[number]()
        except (CannotDecide, AlreadyRunning) as refused:
            results[number] = refused
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=[number], daemon=True) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_two_owners_who_decide_at_once_one_decides_and_the_other_is_told(trusting: World) -> None:
    trusting.night(MANY)
    run = trusting.night(MANY[10:])
    ana, ben = owner("ana"), owner("ben")
    results = at_once(
        lambda: approve(Run.objects.get(pk=run.pk), ana, trusting.clock),
        lambda: discard(Run.objects.get(pk=run.pk), ben, trusting.clock),
    )
    refused = [one for one in results if isinstance(one, CannotDecide | AlreadyRunning)]
    assert len(refused) == 1
    states = set(Change.objects.filter(run=run, action="archive").values_list("state", "decided_by"))
    assert states in ({("applied", ana.pk)}, {("discarded", ben.pk)})
    assert Membership.objects.filter(ended_at=None).count() == (30 if ("applied", ana.pk) in states else 40)


def test_of_two_approvals_at_once_one_is_carried_out_once(trusting: World) -> None:
    trusting.night(MANY)
    run = trusting.night(MANY[10:])
    ana, ben = owner("ana"), owner("ben")
    results = at_once(
        *(lambda by=by: approve(Run.objects.get(pk=run.pk), by, trusting.clock) for by in (ana, ben))
    )
    assert sum(isinstance(one, CannotDecide | AlreadyRunning) for one in results) == 1
    assert Change.objects.filter(action="archive", state="applied").count() == 10


def test_an_edit_while_the_sis_is_read_is_kept(trusting: World) -> None:
    trusting.night(MANY)
    person, by = Person.objects.get(number="n-s00"), owner("ana")
    people = [replace(MANY[0], given_name="Ada"), *MANY[1:]]
    night_with(
        trusting, people, "reading", lambda: hand.edit(person, {"given_name": "Adele"}, by, trusting.now)
    )
    person.refresh_from_db()
    assert person.given_name == "Adele"
    assert not Change.objects.filter(subject_id=person.pk, action="update", run__isnull=False).exists()


def test_an_edit_between_plan_and_carrying_out_wins_and_the_change_says_so(trusting: World) -> None:
    trusting.night(MANY)
    person, by = Person.objects.get(number="n-s00"), owner("ana")
    people = [replace(MANY[0], given_name="Ada"), *MANY[1:]]
    run = night_with(
        trusting, people, "planning", lambda: hand.edit(person, {"given_name": "Adele"}, by, trusting.now)
    )
    person.refresh_from_db()
    row = Change.objects.get(run=run, subject_id=person.pk)
    assert (person.given_name, row.state) == ("Adele", "discarded")
    assert row.reason.startswith("not carried out: somebody edited this since the plan was made")


def test_somebody_excluded_between_plan_and_carrying_out_is_not_touched(trusting: World) -> None:
    trusting.night(MANY)
    person, by = Person.objects.get(number="n-s00"), owner("ana")
    night_with(trusting, MANY[1:], "planning", lambda: hand.exclude(person, by, trusting.now, excluded=True))
    assert Membership.objects.get(person=person).ended_at is None


def test_a_setting_changed_in_mid_run_counts_from_the_next_run_on_for_everybody(trusting: World) -> None:
    trusting.night(MANY)
    changed = [replace(one, given_name="Ada") for one in MANY]
    run = night_with(trusting, changed, "planning", lambda: trusting.configure("students.auto_update=off"))
    assert run.counts["update"] == 40  # as it was when the run began
    after = trusting.night([replace(one, given_name="Noor") for one in MANY])
    assert (after.counts["update"], after.counts["skip"]) == (0, 40)
    assert set(Person.objects.values_list("given_name", flat=True)) == {"Ada"}


def test_a_setting_switched_off_in_mid_run_and_no_new_bytes_is_looked_at_anew(trusting: World) -> None:
    trusting.night(MANY)
    night_with(
        trusting, [*MANY, student("x")], "planning", lambda: trusting.configure("students.archive=off")
    )
    assert trusting.night([*MANY, student("x")]).evidence["users"]["received"] == 41
    assert trusting.night(MANY).counts["archive"] == 0


def test_of_two_starts_at_once_one_runs_and_the_other_is_told(trusting: World) -> None:
    connection_ = Connection.objects.get(pk=trusting.connection.pk)
    runs = [make_run(connection_, "by hand", None) for _ in range(2)]
    slow = threading.Event()

    class Slow(Told):
        def people(self):  # type: ignore[no-untyped-def]
            yield from super().people()
            slow.wait(0.5)

    results = at_once(*(lambda run=run: carry_out(run, Slow(MANY), clock=trusting.clock) for run in runs))
    refused = [one for one in results if isinstance(one, AlreadyRunning)]
    assert [("under way" in str(one)) for one in refused] in ([True], [])
    assert Person.objects.count() == 40


@pytest.mark.parametrize("step", ["reading", "planning", "carrying out"])
def test_somebody_restored_by_hand_while_the_sis_moves_them_away_stays_as_if_restored_after(
    trusting: World, step: str
) -> None:
    here = student("s01")
    trusting.night([here, *MANY[10:]])
    person = Person.objects.get(number=here.number)
    hand.archive(person, trusting.lincoln, owner("ana"), trusting.clock())
    gone = [student("s01", org="org-oakwood"), *MANY[10:]]

    def restore() -> None:
        hand.restore(person, trusting.lincoln, owner("ben"), trusting.clock())

    night_with(trusting, gone, step, restore)
    place = Membership.objects.get(person=person, school=trusting.lincoln)
    assert (place.ended_at, place.managed_by) == (None, None)
    trusting.configure("time=03:00")  # whatever is decided anew, they stay
    trusting.night(gone)
    assert Membership.objects.get(pk=place.pk).ended_at is None


def test_a_removal_that_waits_does_not_end_what_was_restored_by_hand_meanwhile(trusting: World) -> None:
    trusting.night(MANY)
    trusting.configure("hold.count=0")
    held = trusting.night(MANY[1:])
    person, by = Person.objects.get(number="n-s00"), owner("ana")
    hand.archive(person, trusting.lincoln, by, trusting.now)
    hand.restore(person, trusting.lincoln, by, trusting.now)
    approve(held, by, trusting.clock)
    place = Membership.objects.get(person=person)
    assert (place.ended_at, place.managed_by) == (None, None)
    row = Change.objects.get(run=held, action="archive")
    assert (row.state, row.reason.split(";")[0]) == (
        "discarded",
        "not carried out: somebody restored this person by hand since the run began",
    )
    trusting.configure("hold.count=none")
    trusting.night(MANY[1:])
    assert Membership.objects.get(pk=place.pk).ended_at is None


# --- whoever is touched by hand in mid-run is looked at anew by the next one, though no byte changes


def family_of(name: str) -> list[SourcePerson]:
    return family(
        student(name),
        guardians=[adult(f"{name}-1", "parent", phone="555-0101"), adult(f"{name}-2", "relative")],
    )


def changed(told: list[SourcePerson]) -> list[SourcePerson]:
    """The family as the SIS has it on the night in question: new details of the child, a new phone of the parent."""
    child, parent, relative = told
    child = replace(child, given_name="Ada", grade="10", phone="555-0100")
    return [child, replace(parent, phone="555-0199"), relative]


class Home:
    """One family in the directory, and the owner who acts on it."""

    def __init__(self, world: World, name: str, by: Account) -> None:
        self.world, self.name, self.by = world, name, by

    @property
    def child(self) -> Person:
        return Person.objects.get(number=f"n-{self.name}")

    @property
    def place(self) -> Membership:
        return Membership.objects.get(person=self.child)

    def contact(self, which: int) -> Contact:
        return Contact.objects.get(source_records__sourced_id=f"{self.name}-{which}")

    def link(self, which: int) -> ContactLink:
        return ContactLink.objects.get(person=self.child, contact=self.contact(which))


@dataclass(frozen=True)
class Touch:
    """Something that is done by hand, what stood before it, and what must be so a night later."""

    act: Callable[[Home], object]
    reached: Callable[[Home], object]
    before: Callable[[Home], object] = lambda _home: None


TOUCHES = {
    "released": Touch(
        before=lambda h: hand.edit(h.child, {"given_name": "Adele"}, h.by, h.world.now),
        act=lambda h: hand.release(h.child, h.by, h.world.now),
        reached=lambda h: h.child.given_name == "Ada",
    ),
    "edited": Touch(
        act=lambda h: hand.edit(h.child, {"phone": "1"}, h.by, h.world.now),
        reached=lambda h: (h.child.given_name, h.child.phone) == ("Ada", "1"),
    ),
    "included-again": Touch(
        before=lambda h: hand.exclude(h.child, h.by, h.world.now, excluded=True),
        act=lambda h: hand.exclude(h.child, h.by, h.world.now, excluded=False),
        reached=lambda h: h.child.given_name == "Ada",
    ),
    "restored": Touch(
        before=lambda h: hand.archive(h.child, h.world.lincoln, h.by, h.world.now),
        act=lambda h: hand.restore(h.child, h.world.lincoln, h.by, h.world.now),
        reached=lambda h: (h.place.ended_at, h.place.grade) == (None, "10"),
    ),
    "archived": Touch(
        act=lambda h: hand.archive(h.child, h.world.lincoln, h.by, h.world.now),
        reached=lambda h: h.place.ended_at and h.child.given_name == "Ada",
    ),
    "contact-released": Touch(
        before=lambda h: hand.edit_contact(h.contact(1), {"phone": "1"}, h.by, h.world.now),
        act=lambda h: hand.release_contact(h.contact(1), h.by, h.world.now),
        reached=lambda h: h.contact(1).phone == "555-0199",
    ),
    "contact-edited": Touch(
        act=lambda h: hand.edit_contact(h.contact(1), {"given_name": "Rosa"}, h.by, h.world.now),
        reached=lambda h: (h.contact(1).phone, h.contact(1).given_name) == ("555-0199", "Rosa"),
    ),
    "primary-chosen": Touch(
        act=lambda h: hand.make_primary(h.link(2), h.by, h.world.now),
        reached=lambda h: h.child.given_name == "Ada" and h.link(2).primary,
    ),
}
FAMILIES = [one for name in TOUCHES for one in family_of(name)]
CHANGED = [one for name in TOUCHES for one in changed(family_of(name))]


class Street:
    """A family for each sort of touch, on the eve of the night on which the SIS changes them all."""

    def __init__(self, world: World) -> None:
        self.by = owner("ana")
        self._homes = {name: Home(world, name, self.by) for name in TOUCHES}
        world.night(FAMILIES)
        for name, home in self._homes.items():
            TOUCHES[name].before(home)
        world.now += timedelta(hours=1)

    def touch(self) -> None:
        for name, home in self._homes.items():
            TOUCHES[name].act(home)

    def reached(self) -> dict[str, bool]:
        return {name: bool(TOUCHES[name].reached(home)) for name, home in self._homes.items()}


ALL_REACHED = dict.fromkeys(TOUCHES, True)


@pytest.mark.parametrize("step", ["reading", "planning", "carrying out"])
def test_whoever_is_touched_in_mid_run_is_looked_at_anew(trusting: World, step: str) -> None:
    street = Street(trusting)
    night_with(trusting, CHANGED, step, street.touch)
    trusting.night(CHANGED)
    assert street.reached() == ALL_REACHED


@pytest.mark.parametrize("when", ["before", "meanwhile"])
@pytest.mark.parametrize("waits", ["a dry run", "a hold"])
def test_so_is_whoever_is_touched_before_an_approval_or_meanwhile(
    trusting: World, waits: str, when: str
) -> None:
    street = Street(trusting)
    trusting.configure(f"hold.update.count={0 if waits == 'a hold' else 'none'}")
    run = trusting.night(CHANGED, dry_run=waits == "a dry run")
    assert run.state in ("planned", "held")
    if when == "before":
        street.touch()
        approve(run, street.by, trusting.clock)
    else:

        def work(run: Run) -> None:
            carried_out_with(run, trusting, None, "carrying out", street.touch)

        approve(run, street.by, trusting.clock, hand_over=work)
    trusting.configure("hold.update.count=none")
    trusting.night(CHANGED)
    assert street.reached() == ALL_REACHED


@pytest.mark.parametrize("step", ["reading", "planning", "carrying out"])
def test_a_switch_turned_on_at_any_step_counts_for_everybody_from_the_next_run_on(
    trusting: World, step: str
) -> None:
    trusting.configure("students.auto_update=off")
    trusting.night(MANY)
    changed = [replace(one, given_name="Ada") for one in MANY]
    run = night_with(trusting, changed, step, lambda: trusting.configure("students.auto_update=on"))
    assert (run.counts["update"], run.counts["skip"]) == (0, 40)
    assert trusting.night(changed).counts["update"] == 40


@pytest.mark.parametrize("step", ["reading", "planning", "carrying out"])
def test_a_switch_turned_there_and_back_in_mid_run_leaves_nothing_undecided(
    trusting: World, step: str
) -> None:
    trusting.night(MANY)
    changed = [replace(one, given_name="Ada") for one in MANY]

    def there_and_back() -> None:
        trusting.configure("students.auto_update=off")
        trusting.configure("students.auto_update=on")

    night_with(trusting, changed, step, there_and_back)
    assert set(Person.objects.values_list("given_name", flat=True)) == {"Ada"}
    assert trusting.night(changed).unchanged == 40


# --- a hand on somebody in the very moment in which the run carries out what it planned of them


def in_the_very_moment(world: World, people: list[Any], act: Callable[[], object]) -> Run:
    """A night whose batch meets a hand act that has been written and not yet committed, and waits for it."""
    written, ended = threading.Event(), threading.Event()

    def by_hand() -> None:
        with transaction.atomic():
            act()
            written.set()
            while not (somebody_waits() or ended.is_set()):
                ended.wait(0.01)

    def begin() -> None:
        hands.start()
        written.wait()

    hands = threading.Thread(target=lambda: at_once(by_hand))
    try:
        return night_with(world, people, "planning", begin)
    finally:
        ended.set()
        hands.join()


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_locks WHERE NOT granted")
        return cursor.rowcount > 0


def test_an_edit_in_the_very_moment_is_kept_and_the_change_says_so(trusting: World) -> None:
    trusting.night(MANY)
    person, by = Person.objects.get(number="n-s00"), owner("ana")
    people = [replace(MANY[0], given_name="Ada"), *MANY[1:]]
    run = in_the_very_moment(
        trusting, people, lambda: hand.edit(person, {"given_name": "Adele"}, by, trusting.now)
    )
    person.refresh_from_db()
    assert (person.given_name, Change.objects.get(run=run).state) == ("Adele", "discarded")


def test_a_restore_in_the_very_moment_is_made_once(trusting: World) -> None:
    trusting.night(MANY)
    trusting.night(MANY[1:])
    person, by = Person.objects.get(number="n-s00"), owner("ana")
    run = in_the_very_moment(trusting, MANY, lambda: hand.restore(person, trusting.lincoln, by, trusting.now))
    assert Membership.objects.get(person=person).ended_at is None
    assert Change.objects.get(run=run).state == "discarded"
    assert Change.objects.filter(subject_id=person.pk, action="restore", state="applied").count() == 1


def test_an_undo_meets_an_edit_in_the_very_moment_and_leaves_it(trusting: World) -> None:
    trusting.night(MANY)
    run = trusting.night([replace(MANY[0], given_name="Ada"), *MANY[1:]])
    person, by = Person.objects.get(number="n-s00"), owner("ana")
    written, ended = threading.Event(), threading.Event()

    def by_hand() -> None:
        with transaction.atomic():
            hand.edit(person, {"given_name": "Adele"}, by, trusting.now)
            written.set()
            while not (somebody_waits() or ended.is_set()):
                ended.wait(0.01)

    def takes_back() -> Run:
        written.wait()
        try:
            return undo(run, by, trusting.clock)
        finally:
            ended.set()

    _, back = at_once(by_hand, takes_back)
    person.refresh_from_db()
    assert person.given_name == "Adele"
    assert "edited since" in Change.objects.get(run=back).reason  # type: ignore[misc]


# --- an undo and a sync


@pytest.mark.parametrize("step", ["reading", "planning", "carrying out"])
def test_an_undo_in_mid_run_is_refused_and_told_which_run_it_is(trusting: World, step: str) -> None:
    first = trusting.night(MANY)
    refused: list[object] = []

    def try_to() -> None:
        refused.extend(at_once(lambda: undo(Run.objects.get(pk=first.pk), owner("ana"), trusting.clock)))

    run = night_with(trusting, [*MANY, student("x")], step, try_to)
    assert isinstance(refused[0], AlreadyRunning)
    assert f"run {run.pk}" in str(refused[0])
    assert Membership.objects.filter(ended_at=None).count() == 41


# --- merging and splitting between a plan and its approval

TWO = [student("a", number="7"), student("b", number="7", org=OAKWOOD, email="a@lincoln.example")]


def record(sourced_id: str) -> SourceRecord:
    return SourceRecord.objects.get(sourced_id=sourced_id)


def person_of(sourced_id: str) -> Person:
    found = record(sourced_id).person
    assert found is not None
    return found


def test_who_was_merged_before_a_dry_run_is_approved_stays_merged(trusting: World) -> None:
    trusting.night(MANY)
    changed = [replace(one, given_name="Ada") for one in MANY]
    dry = trusting.night(changed, dry_run=True)
    keep, gone = person_of("s00"), person_of("s01")
    merging.merge(keep, gone, None, trusting.now)
    approve(dry, None, trusting.clock)
    assert person_of("s01") == keep
    trusting.night(changed)
    assert person_of("s01") == keep
    assert not Membership.objects.filter(person=gone, ended_at=None).exists()
    keep.refresh_from_db()
    assert keep.given_name == "Ada"


def test_who_was_split_before_a_dry_run_is_approved_stays_split(trusting: World) -> None:
    trusting.night([*TWO, *MANY])
    changed = [TWO[0], replace(TWO[1], grade="10"), *MANY]
    dry = trusting.night(changed, dry_run=True)
    one = person_of("a")
    merging.split(one, [record("b").pk], TWO[1], None, trusting.now)
    other = person_of("b")
    approve(dry, None, trusting.clock)
    assert (person_of("a"), person_of("b")) == (one, other)
    trusting.night(changed)
    assert (person_of("a"), person_of("b")) == (one, other)
    assert Membership.objects.get(person=other, ended_at=None).grade == "10"
    assert Membership.objects.get(person=one, ended_at=None).school == trusting.lincoln


def test_who_is_merged_into_somebody_still_there_is_not_archived_by_a_removal_that_waited(
    trusting: World,
) -> None:
    trusting.night(MANY)
    trusting.configure("hold.count=0")
    held = trusting.night(MANY[1:])
    keep = person_of("s00")
    merging.merge(keep, person_of("s01"), None, trusting.now)
    approve(held, None, trusting.clock)
    assert Membership.objects.get(person=keep).ended_at is None
    row = Change.objects.get(run=held, action="archive")
    assert row.reason.startswith("not carried out: merged or split since the plan was made")


def test_somebody_added_by_hand_and_merged_in_mid_run_is_linked_to_no_record(trusting: World) -> None:
    people = [
        Person.objects.create(district=trusting.district, given_name="Ana", family_name="Lopez s00", **said)
        for said in ({"number": "n-s00"}, {"phone": "555-0100"})
    ]
    gone, keep = people
    for one in people:
        Membership.objects.create(
            district=trusting.district,
            person=one,
            school=trusting.lincoln,
            group="students",
            started_at=trusting.now,
        )
    night_with(trusting, MANY, "planning", lambda: merging.merge(keep, gone, None, trusting.now))
    assert not gone.source_records.exists()
    trusting.night(MANY)
    assert person_of("s00") == keep
    assert Membership.objects.filter(ended_at=None).count() == 40


# --- what an approval leaves out, and what was decided of a match since


def test_what_is_left_out_of_a_dry_run_is_asked_anew_by_the_next_night(trusting: World) -> None:
    trusting.night(MANY)
    changed = [replace(one, given_name="Ada") for one in MANY]
    dry = trusting.night(changed, dry_run=True)
    approve(dry, None, trusting.clock, but=[person_of("s00").pk])
    assert person_of("s00").given_name == "Ana"
    assert trusting.night(changed).counts["update"] == 1


def test_a_match_decided_otherwise_before_an_approval_is_not_carried_out(trusting: World) -> None:
    known = Person.objects.create(
        district=trusting.district, given_name="Ana", number="6", email="s00@lincoln.example"
    )
    trusting.night(MANY)
    review = MatchReview.objects.get()
    by = owner("ana")
    reviews.decide(review, Verdict.SAME, by, trusting.now, known.pk)
    dry = trusting.night([*MANY, student("x")], dry_run=True)
    reviews.decide(review, Verdict.DIFFERENT, by, trusting.now)
    approve(dry, by, trusting.clock)
    assert (person_of("x").number, known.memberships.count()) == ("n-x", 0)
    assert not known.source_records.exists()
    trusting.night(MANY)
    assert person_of("s00") != known
    assert not known.memberships.exists()
