"""The policy on a real database: grace, limits of each kind, kept fields, pauses, and those whom nothing touches."""

from dataclasses import replace

from homeroom.campus.connections.leaving import leaving
from homeroom.campus.people.models import Contact, Membership, Person
from homeroom.campus.runs.by_hand.decide import approve, discard
from homeroom.campus.runs.models import Change
from homeroom.campus.schools.grants import grant
from homeroom.campus.schools.models import Role
from homeroom.sync.roster import SourceRole
from tests.campus.world import World
from tests.invented import LINCOLN, OAKWOOD, adult, family, student

MANY = [student(f"s{number:02d}") for number in range(40)]
OFF = ("hold.percent=none", "hold.count=none")


def missing(world: World) -> list[tuple[str, int]]:
    return [(one.person.number, one.missing_runs) for one in leaving(world.lincoln)]


def test_grace_counts_complete_readings_and_days_and_begins_anew_for_whoever_was_back(
    trusting: World,
) -> None:
    trusting.configure("grace.runs=3", "grace.days=2")
    trusting.night(MANY)
    trusting.night(MANY[1:])
    assert missing(trusting) == [("n-s00", 1)]
    trusting.night(MANY[1:], trouble="the server claimed 40")
    assert missing(trusting) == [("n-s00", 1)]
    trusting.night(MANY)  # back word for word: the sieve must not let this fall
    assert missing(trusting) == []
    trusting.night(MANY[1:])
    trusting.night(MANY[1:])
    assert "s00" in trusting.active()
    assert trusting.night(MANY[1:]).counts["archive"] == 1
    assert "s00" not in trusting.active()
    told = Change.objects.filter(sourced_id="s00").values_list("action", flat=True)
    assert list(told) == ["add", "skip", "skip", "skip", "skip", "archive"]
    assert trusting.night(MANY).counts["restore"] == 1
    assert missing(trusting) == []


def test_additions_over_their_limit_wait_with_all_that_hangs_on_them_and_removals_go_on(
    trusting: World,
) -> None:
    trusting.night(MANY)
    trusting.configure(*OFF, "students.hold.add.count=2")
    both = replace(student("n1"), roles=(SourceRole("student", LINCOLN), SourceRole("student", OAKWOOD)))
    new = family(both, student("n2"), student("n3"), guardians=[adult("g", "parent")])
    run = trusting.night([*MANY[1:], *new])
    assert run.state == "held"
    assert trusting.active() == {f"s{n:02d}" for n in range(1, 40)}
    assert trusting.active(trusting.oakwood) == set()
    assert not Contact.objects.exists()
    approve(run, None, trusting.clock)
    assert {"n1", "n2", "n3"} <= trusting.active()
    assert trusting.active(trusting.oakwood) == {"n1"}
    assert Contact.objects.get().links.filter(ended_at=None).count() == 3
    assert trusting.changes(trusting.night([*MANY[1:], *new])) == []


def test_updates_over_their_limit_wait_and_a_discarded_one_is_asked_again(trusting: World) -> None:
    trusting.configure("hold.update.percent=10")
    trusting.night(MANY)
    run = trusting.night([replace(one, grade="10") for one in MANY[:5]] + MANY[5:] + [student("new")])
    assert run.state == "held"
    assert "new" in trusting.active()
    assert not Membership.objects.filter(grade="10").exists()
    discard(run, None, trusting.clock)
    assert trusting.night([replace(one, grade="10") for one in MANY[:4]] + MANY[4:]).state == "done"
    assert Membership.objects.filter(grade="10").count() == 4


def test_kept_fields_are_not_set_and_the_others_are(trusting: World) -> None:
    trusting.configure("students.keep=phone,grade")
    trusting.night([student("a", phone="1")])
    trusting.night([student("a", phone="2", grade="10", email="b@lincoln.example")])
    person = Person.objects.get()
    assert (person.phone, person.email, person.memberships.get().grade) == ("", "b@lincoln.example", "")


def test_a_pause_changes_nothing_and_what_happened_in_it_is_made_up_for(trusting: World) -> None:
    trusting.configure("pause=2026-06-03..2026-06-04", *OFF)
    trusting.night(MANY)
    run = trusting.night([*MANY[1:], student("new")])
    assert (run.counts["add"], run.counts["archive"]) == (0, 0)
    assert trusting.link().connection.records.get(sourced_id="new").verdict == (
        "the sync of this school is paused until 2026-06-04"
    )
    trusting.night(MANY[1:])
    run = trusting.night([*MANY[1:], student("new")])
    assert (run.counts["add"], run.counts["archive"]) == (1, 1)


def test_whoever_was_excluded_or_became_an_owner_after_the_plan_is_left_by_its_approval(
    trusting: World,
) -> None:
    trusting.night(MANY)
    run = trusting.night(MANY[10:])
    Person.objects.filter(number="n-s00").update(excluded=True)
    grant("s01@lincoln.example", Role.OWNER, school=trusting.lincoln)
    approve(run, None, trusting.clock)
    assert trusting.active() >= {"s00", "s01"}
    assert "s02" not in trusting.active()
    reasons = (
        Change.objects.filter(run=run, state="discarded").order_by("id").values_list("reason", flat=True)
    )
    assert [reason.split(";")[0] for reason in reasons] == [
        "not carried out: excluded from sync since the plan was made",
        "not carried out: an Owner or District Manager since the plan was made",
    ]
