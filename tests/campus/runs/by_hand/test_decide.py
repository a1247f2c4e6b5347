"""Approve, discard, undo: of a whole run and of one school's part."""

import pytest

from homeroom.campus.people.models import Membership, Person
from homeroom.campus.runs.by_hand import hand
from homeroom.campus.runs.by_hand.decide import CannotDecide, approve, discard, undo
from homeroom.campus.runs.models import Change
from homeroom.web.accounts.models import Account
from tests.campus.world import World
from tests.invented import OAKWOOD, student

MANY = [student(f"s{number:02d}") for number in range(40)]
OAKS = [student(f"o{number:02d}", org=OAKWOOD) for number in range(40)]


def test_an_approved_hold_is_carried_out(trusting: World) -> None:
    trusting.night(MANY)
    run = trusting.night(MANY[10:])
    owner = Account.objects.create_user("owner@lincoln.example")
    done = approve(run, owner, trusting.clock)
    assert done.state == "done"
    assert "s00" not in trusting.active()
    assert set(Change.objects.filter(run=run, action="archive").values_list("state", "decided_by")) == {
        ("applied", owner.pk)
    }


def test_an_approved_dry_run_is_carried_out_and_the_next_night_finds_nothing(trusting: World) -> None:
    run = trusting.night(MANY, dry_run=True)
    approve(run, None, trusting.clock)
    assert len(trusting.active()) == 40
    assert trusting.night(MANY).unchanged == 40


def test_a_discarded_hold_touches_nobody_and_the_next_run_looks_again(trusting: World) -> None:
    trusting.night(MANY)
    run = trusting.night(MANY[10:])
    discard(run, None, trusting.clock)
    assert len(trusting.active()) == 40
    assert trusting.night(MANY[10:]).state == "held"


def test_a_hold_older_than_another_run_cannot_be_approved(trusting: World) -> None:
    trusting.night(MANY)
    run = trusting.night(MANY[10:])
    trusting.night(MANY[11:], trouble="cut")
    with pytest.raises(CannotDecide, match="people have moved on"):
        approve(run, None, trusting.clock)


def test_what_was_decided_cannot_be_decided_again(trusting: World) -> None:
    run = trusting.night(MANY)
    with pytest.raises(CannotDecide, match="waits"):
        approve(run, None, trusting.clock)
    with pytest.raises(CannotDecide, match="waits"):
        discard(run, None, trusting.clock)


def test_one_schools_approval_leaves_the_other_schools_hold(trusting: World) -> None:
    trusting.night([*MANY, *OAKS])
    run = trusting.night([*MANY[10:], *OAKS[10:]])
    after = approve(run, None, trusting.clock, trusting.lincoln)
    assert after.state == "held"
    assert "s00" not in trusting.active()
    assert "o00" in trusting.active(trusting.oakwood)
    assert discard(after, None, trusting.clock, trusting.oakwood).state == "done"


def test_undo_brings_values_memberships_and_archive_state_back(trusting: World) -> None:
    trusting.night([*MANY])
    before = set(Membership.objects.filter(ended_at=None).values_list("person", "grade"))
    run = trusting.night([student("s01", grade="12", given_name="Ada"), *MANY[2:], student("new")])
    back = undo(run, None, trusting.clock)
    assert back.state == "done"
    assert set(Membership.objects.filter(ended_at=None).values_list("person", "grade")) == before
    assert Person.objects.get(number="n-s01").given_name == "Ana"


def test_undoing_an_undo_works(trusting: World) -> None:
    trusting.night(MANY)
    run = trusting.night(MANY[1:])
    undo(undo(run, None, trusting.clock), None, trusting.clock)
    assert "s00" not in trusting.active()


def test_undo_leaves_what_was_edited_since_and_says_so(trusting: World) -> None:
    trusting.night(MANY)
    run = trusting.night([student("s00", given_name="Ada"), *MANY[1:]])
    owner = Account.objects.create_user("owner@lincoln.example")
    hand.edit(Person.objects.get(number="n-s00"), {"given_name": "Adele"}, owner, trusting.now)
    back = undo(run, owner, trusting.clock)
    assert Person.objects.get(number="n-s00").given_name == "Adele"
    assert "edited since" in Change.objects.get(run=back).reason


def test_undo_of_one_school_leaves_the_other(trusting: World) -> None:
    run = trusting.night([*MANY, *OAKS])
    undo(run, None, trusting.clock, trusting.lincoln)
    assert trusting.active() == set()
    assert len(trusting.active(trusting.oakwood)) == 40


def test_after_an_undo_the_next_night_decides_anew(trusting: World) -> None:
    run = trusting.night(MANY)
    undo(run, None, trusting.clock)
    trusting.night(MANY)
    assert len(trusting.active()) == 40


def test_somebody_archived_by_an_approval_comes_back_when_the_sis_has_them_again(trusting: World) -> None:
    trusting.night(MANY)
    approve(trusting.night(MANY[10:]), None, trusting.clock)
    trusting.night(MANY)
    assert len(trusting.active()) == 40


def test_who_was_archived_or_restored_by_hand_since_stays_so(trusting: World) -> None:
    trusting.night(MANY)
    run = trusting.night(MANY[10:])
    owner = Account.objects.create_user("owner@lincoln.example")
    gone, back = (Person.objects.get(number=number) for number in ("n-s00", "n-s01"))
    for person in (gone, back):
        hand.archive(person, trusting.lincoln, owner, trusting.now)
    approve(run, owner, trusting.clock)
    row = Change.objects.get(run=run, subject_id=gone.pk)
    assert (row.state, row.reason.partition(";")[0]) == (
        "discarded",
        "not carried out: somebody archived or restored this person since the plan was made",
    )
    assert Membership.objects.get(person=gone).ended_by_hand


def test_a_field_kept_by_hand_since_the_plan_was_made_stays(trusting: World) -> None:
    trusting.night(MANY)
    run = trusting.night([student("s00", given_name="Ada"), *MANY[1:]], dry_run=True)
    owner, person = Account.objects.create_user("owner@lincoln.example"), Person.objects.get(number="n-s00")
    hand.edit(person, {"given_name": "Adele"}, owner, trusting.now)
    hand.edit(person, {"given_name": "Ana"}, owner, trusting.now)  # as it was, but kept from now on
    approve(run, owner, trusting.clock)
    person.refresh_from_db()
    assert person.given_name == "Ana"


def test_a_leaver_restored_by_hand_stays_until_the_sis_has_them_again(trusting: World) -> None:
    trusting.configure("hold.percent=100")
    trusting.night(MANY)
    trusting.night(MANY[1:])
    owner, person = Account.objects.create_user("owner@lincoln.example"), Person.objects.get(number="n-s00")
    hand.restore(person, trusting.lincoln, owner, trusting.now)
    trusting.configure("parents=off")  # everybody is decided about anew
    trusting.night(MANY[1:])
    assert Membership.objects.get(person=person).ended_at is None
    trusting.night(MANY)
    trusting.night(MANY[1:])
    assert Membership.objects.get(person=person).ended_at is not None
