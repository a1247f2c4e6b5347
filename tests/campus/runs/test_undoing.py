"""Undo: what was there before is there again, of a run, a school or some people; conflicts are shown first and left."""

from typing import Any

import pytest

from homeroom.campus.connections.models import SourceRecord
from homeroom.campus.people.models import Contact, ContactLink, Membership, Person
from homeroom.campus.runs.by_hand import hand, merging
from homeroom.campus.runs.by_hand.decide import CannotDecide, undo
from homeroom.campus.runs.models import Change, Run
from homeroom.campus.runs.undoing import Part, preview
from homeroom.campus.schools.models import Grant
from homeroom.web.accounts.models import Account
from tests.campus.world import World
from tests.invented import OAKWOOD, adult, family, student

MANY = [student(f"s{number:02d}") for number in range(12)]
HELPERS = [adult(f"t{number}") for number in range(12)]
MOTHER, FATHER = adult("g1", "guardian", phone="555-0101"), adult("g2", "parent")
BEFORE = [
    *family(student("a"), student("b"), guardians=[MOTHER]),
    student("c"),
    student("d"),
    student("e", org=OAKWOOD),
    *HELPERS,
]
AFTER = [
    *family(student("a", grade="10", email="new@lincoln.example"), student("f"), guardians=[FATHER]),
    *family(student("b"), guardians=[adult("g1", "guardian", phone="555-0199")]),
    student("c", given_name="Noor"),
    student("e", org=OAKWOOD, grade="10"),
    *HELPERS,
]


@pytest.fixture
def ready(trusting: World) -> World:
    trusting.configure("hold.percent=100", "hold.count=1000", "parents=on")
    return trusting


def directory() -> dict[str, Any]:
    """All that an undo must bring back: values, memberships, links, archive state."""
    links = ContactLink.objects.filter(ended_at=None)
    return {
        "people": set(Person.objects.values_list("number", "given_name", "email", "phone")),
        "members": set(Membership.objects.filter(ended_at=None).values_list("person", "school", "group", "grade", "managed_by")),
        "contacts": set(Contact.objects.values_list("given_name", "phone")),
        "links": set(links.values_list("person", "contact", "primary", "reason")),
    }  # fmt: skip


def test_everything_is_as_it_was_and_again_as_it_was_after(ready: World) -> None:
    ready.night(BEFORE)
    before = directory()
    run = ready.night(AFTER)
    after = directory()
    assert after != before
    back = undo(run, None, ready.clock)
    found = directory()
    assert (found["members"], found["links"]) == (before["members"], before["links"])
    # Nobody is deleted: who was added stays, archived, and so do their contacts.
    assert found["people"] - before["people"] == {("n-f", "Ana", "f@lincoln.example", "")}
    assert before["contacts"] <= found["contacts"]
    undo(back, None, ready.clock)
    assert directory() == after
    assert not Change.objects.filter(run=run, state="applied").exclude(action="skip").exists()


def test_every_change_is_turned_round_once_and_says_which(ready: World) -> None:
    ready.night(BEFORE)
    run = ready.night(AFTER)
    done = set(
        Change.objects.filter(run=run, state="applied").exclude(action="skip").values_list("pk", flat=True)
    )
    back = undo(run, None, ready.clock)
    assert sorted(Change.objects.filter(run=back).values_list("turns", flat=True)) == sorted(done)
    with pytest.raises(CannotDecide, match="undone already"):
        undo(run, None, ready.clock)


def test_chosen_people_alone_come_back(ready: World) -> None:
    ready.night(BEFORE)
    run = ready.night(AFTER)
    chosen = Person.objects.get(number="n-c")
    back = undo(run, None, ready.clock, people=[chosen.pk])
    chosen.refresh_from_db()
    assert chosen.given_name == "Ana"
    assert Membership.objects.get(person__number="n-a").grade == "10"
    assert set(Change.objects.filter(run=back).values_list("subject_id", flat=True)) == {chosen.pk}


def test_a_preview_shows_what_comes_back_and_what_is_left_and_changes_nothing(ready: World) -> None:
    ready.night(BEFORE)
    run = ready.night(AFTER)
    owner = Account.objects.create_user("owner@lincoln.example")
    hand.edit(Person.objects.get(number="n-c"), {"given_name": "Nora"}, owner, ready.now)
    before = directory()
    seen = preview(Part(run.pk))
    assert directory() == before
    assert [(change.sourced_id, why) for change, why in seen.left] == [("c", "edited since")]
    assert seen.conflicts == 1
    back = undo(run, owner, ready.clock)
    turned = Change.objects.filter(run=back).exclude(action="skip").count()
    assert turned == sum(seen.counts.values())
    assert Person.objects.get(number="n-c").given_name == "Nora"
    assert Change.objects.get(run=run, sourced_id="c").state == "applied"
    assert "not undone: edited since" in Change.objects.get(run=back, action="skip").reason


def test_what_a_later_night_changed_is_a_conflict(ready: World) -> None:
    ready.night(BEFORE)
    run = ready.night(AFTER)
    ready.night([*AFTER[:-13], student("e", org=OAKWOOD, grade="11"), *HELPERS])
    assert "edited since" in [why for change, why in preview(Part(run.pk)).left if change.sourced_id == "e"]


def test_an_undo_archives_no_owner(ready: World) -> None:
    run = ready.night(BEFORE)
    account = Account.objects.create_user("t1@lincoln.example")
    Grant.objects.create(account=account, district=ready.district, school=ready.lincoln, role="owner")
    undo(run, None, ready.clock)
    assert (
        Membership.objects.filter(ended_at=None).values_list("person__email", flat=True).get()
        == account.email
    )


def test_somebody_taken_on_is_let_go_of_out_of_the_reach_of_archive(ready: World) -> None:
    mine = Person.objects.create(district=ready.district, given_name="Ana", family_name="Lopez", number="n-c")
    Membership.objects.create(
        district=ready.district,
        person=mine,
        school=ready.lincoln,
        group="students",
        grade="09",
        started_at=ready.now,
    )
    run = ready.night(BEFORE)
    assert Membership.objects.get(person=mine).managed_by == ready.connection.pk
    back = undo(run, None, ready.clock)
    assert Membership.objects.get(person=mine).managed_by is None
    assert not mine.source_records.exists()
    undo(back, None, ready.clock)
    assert Membership.objects.get(person=mine).managed_by == ready.connection.pk
    assert mine.source_records.get().sourced_id == "c"


def test_undo_takes_few_statements_however_many_people(
    ready: World, django_assert_max_num_queries: Any
) -> None:
    run = ready.night([student(f"s{number:03d}") for number in range(300)])
    with django_assert_max_num_queries(110):
        back: Run = undo(run, None, ready.clock)
    assert Change.objects.filter(run=back).count() == 300


def test_of_people_merged_or_split_since_nothing_is_undone_and_it_is_said(trusting: World) -> None:
    twice = student("t1", number="7"), student("t2", number="7", email="t1@lincoln.example", org=OAKWOOD)
    run = trusting.night([*MANY, *twice])
    keep, gone, one = (_record(id_).person for id_ in ("s00", "s01", "t1"))
    assert keep and gone and one
    merging.merge(keep, gone, None, trusting.now)
    merging.split(one, [_record("t2").pk], twice[1], None, trusting.now)
    here = [(row.person_id, row.school_id) for row in Membership.objects.filter(ended_at=None)]
    left = {keep.pk, gone.pk, one.pk}
    back = undo(run, None, trusting.clock)
    assert {row.subject_id for row in Change.objects.filter(run=back, action="skip")} == left
    reasons = Change.objects.filter(run=back, action="skip").values_list("reason", flat=True)
    assert {reason.split(" (")[0] for reason in reasons} == {
        "not undone: merged with somebody since",
        "not undone: merged or split since",
    }
    stays = {keep.pk, one.pk, _record("t2").person_id}
    now = [(row.person_id, row.school_id) for row in Membership.objects.filter(ended_at=None)]
    assert sorted(now) == sorted(place for place in here if place[0] in stays)


def test_what_happened_at_a_place_that_is_anothers_again_is_not_undone_of_the_one_who_was_kept(
    ready: World,
) -> None:
    ready.night([*MANY, student("o1", org=OAKWOOD), student("o2", org=OAKWOOD)])
    keep = _record("s00").person
    assert keep
    change = merging.merge(keep, _record("o1").person, None, ready.now)  # type: ignore[arg-type]
    ready.configure("hold.percent=100", school=ready.oakwood)
    run = ready.night([*MANY, student("o2", org=OAKWOOD)])
    merging.undo(change, None, ready.now)
    back = undo(run, None, ready.clock)
    rows = Change.objects.filter(run=back, subject_id=keep.pk)
    assert [(row.action, row.reason.split(" (")[0]) for row in rows] == [
        ("skip", "not undone: merged or split since")
    ]
    assert [place.school for place in keep.memberships.filter(ended_at=None)] == [ready.lincoln]


def test_nothing_is_undone_while_a_sync_lies_cut_off_in_the_middle(trusting: World) -> None:
    first = trusting.night(MANY)
    cut_off = trusting.night(MANY)
    Run.objects.filter(pk=cut_off.pk).update(state="running", step="apply")
    with pytest.raises(CannotDecide, match=f"Run {cut_off.pk} was cut off"):
        undo(first, None, trusting.clock)
    assert Membership.objects.filter(ended_at=None).count() == len(MANY)


def test_a_primary_contact_chosen_by_hand_since_is_left(ready: World) -> None:
    ready.night(BEFORE)
    both = [*family(student("a"), guardians=[MOTHER, FATHER]), *BEFORE[1:2], *BEFORE[3:]]
    run = ready.night(both)
    link = ContactLink.objects.get(person=_record("a").person, contact=_record("g2").contact)
    hand.make_primary(link, Account.objects.create_user("ana@lincoln.example"), ready.now)
    back = undo(run, None, ready.clock)
    left = Change.objects.filter(run=back, action="skip", subject_id=link.person_id)
    assert [row.reason.split(" (")[0] for row in left] == ["not undone: contacts changed since"]
    link.refresh_from_db()
    assert (link.primary, link.ended_at) == (True, None)


def _record(sourced_id: str) -> SourceRecord:
    return SourceRecord.objects.get(sourced_id=sourced_id)
