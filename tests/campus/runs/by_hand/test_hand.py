"""What is done by hand: what the next sync makes of it, and what is refused because somebody was here first."""

from dataclasses import replace

import pytest

from homeroom.campus.people.models import ContactLink, Membership, Person
from homeroom.campus.runs.by_hand import hand, merging
from homeroom.campus.runs.models import Change
from homeroom.campus.schools.grants import grant
from homeroom.campus.schools.models import Role
from homeroom.web.accounts.models import Account
from tests.campus.runs.by_hand.test_merging import of, owner_of, whole
from tests.campus.world import World
from tests.invented import adult, family, student

MANY = [student(f"s{number:02d}") for number in range(12)]


def by() -> Account:
    return Account.objects.create_user("ana@lincoln.example")


def test_what_the_sis_said_while_somebody_was_archived_by_hand_is_theirs_once_restored(
    trusting: World,
) -> None:
    trusting.night(MANY)
    person, owner = of("s00"), by()
    hand.archive(person, trusting.lincoln, owner, trusting.now)
    moved_up = [replace(MANY[0], grade="10"), *MANY[1:]]
    trusting.night(moved_up)
    hand.restore(person, trusting.lincoln, owner, trusting.now)
    trusting.night(moved_up)
    place = Membership.objects.get(person=person)
    assert (place.ended_at, place.grade) == (None, "10")


def test_an_owner_who_has_left_the_sis_is_archived_once_their_address_is_no_owners(trusting: World) -> None:
    trusting.configure("hold.percent=100")
    trusting.night(MANY)
    person = of("s00")
    grant(person.email, Role.OWNER, school=trusting.lincoln)
    trusting.night(MANY[1:])
    assert Membership.objects.get(person=person).ended_at is None
    hand.edit(person, {"email": "other@lincoln.example"}, by(), trusting.now)
    trusting.night(MANY[1:])
    assert Membership.objects.get(person=person).ended_at is not None


def test_whoever_was_merged_meanwhile_is_touched_no_more(trusting: World) -> None:
    trusting.night(MANY)
    keep, gone, owner = of("s00"), of("s01"), by()
    merging.merge(keep, gone, owner, trusting.now)
    before, rows = whole(), Change.objects.count()
    for act in (
        lambda: hand.edit(gone, {"phone": "1"}, owner, trusting.now),
        lambda: hand.release(gone, owner, trusting.now),
        lambda: hand.exclude(gone, owner, trusting.now, excluded=True),
        lambda: hand.archive(gone, trusting.lincoln, owner, trusting.now),
        lambda: hand.restore(gone, trusting.lincoln, owner, trusting.now),
    ):
        with pytest.raises(hand.TooLate, match="merged with somebody else meanwhile"):
            act()
    assert (whole(), Change.objects.count()) == (before, rows)


def test_a_contact_who_is_none_any_more_is_not_chosen_and_the_primary_stays(trusting: World) -> None:
    both = [adult("g1", "parent"), adult("g2", "parent")]
    told = [*family(MANY[0], guardians=both), *MANY[1:]]
    trusting.night(told)
    link = ContactLink.objects.get(contact__source_records__sourced_id="g2")
    trusting.night([*family(MANY[0], guardians=both[:1]), *MANY[1:]])
    with pytest.raises(hand.TooLate, match="is no contact of"):
        hand.make_primary(link, by(), trusting.now)
    assert ContactLink.objects.get(primary=True, ended_at=None).contact != link.contact


def test_on_the_pages_who_comes_too_late_is_told(trusting: World) -> None:
    trusting.night(MANY)
    client, keep, gone = owner_of(trusting.lincoln), of("s00"), of("s01")
    merging.merge(keep, gone, None, trusting.now)
    path = f"/schools/{trusting.lincoln.pk}/people/{gone.pk}/change/"
    page = client.post(path, {"do": "restore"}, follow=True).content.decode()
    assert "was merged with somebody else meanwhile. Nothing was done" in page
    assert not Membership.objects.filter(person=gone, ended_at=None).exists()
    assert Person.objects.get(pk=gone.pk).merged_into == keep
