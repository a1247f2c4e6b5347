"""Merging and splitting by hand: everything follows, nobody is lost, history says who, and it can be taken back exactly."""

from dataclasses import replace

import pytest
from django.db import connection
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TransactionTestCase

from homeroom.campus.connections.models import SourceRecord
from homeroom.campus.people.models import ContactLink, Membership, Person
from homeroom.campus.runs.by_hand import hand, merging
from homeroom.campus.runs.by_hand.decide import approve
from homeroom.campus.runs.models import Change, Run
from homeroom.campus.runs.telling.timeline import timeline
from homeroom.campus.schools.grants import grant
from homeroom.campus.schools.models import Role, School
from homeroom.web.accounts.models import Account
from tests.campus.world import EVERYTHING, World
from tests.invented import LINCOLN, OAKWOOD, adult, family, student

ROSA = adult("g1", "parent", given_name="Rosa")
TWICE = [
    *family(student("a", number="7", email="ana@x.example"), guardians=[ROSA]),
    student("b", number="", email="", phone="555-0107", org=OAKWOOD),
    *(student(f"s{n}") for n in range(8)),
]


def whole() -> tuple[object, ...]:
    """The whole directory but for its history."""
    people = Person.objects.order_by("pk").values_list(
        "pk", "given_name", "number", "email", "phone", "merged_into"
    )
    places = Membership.objects.order_by("pk").values_list(
        "pk", "person", "school", "group", "grade", "ended_at", "managed_by"
    )
    links = ContactLink.objects.order_by("pk").values_list("pk", "person", "contact", "primary", "ended_at")
    records = SourceRecord.objects.order_by("pk").values_list("pk", "person", "contact")
    return list(people), list(places), list(links), list(records)


def of(sourced_id: str) -> Person:
    return SourceRecord.objects.get(sourced_id=sourced_id).person  # type: ignore[return-value]


def by() -> Account:
    return Account.objects.filter(email="owner@lincoln.example").first() or Account.objects.create_user(
        "owner@lincoln.example"
    )


def test_everything_of_the_one_becomes_that_of_the_other_and_stays_so(trusting: World) -> None:
    trusting.night(TWICE)
    keep, gone = of("b"), of("a")
    merging.merge(keep, gone, by(), trusting.now)
    keep.refresh_from_db()
    assert (keep.number, keep.email, keep.phone) == ("7", "ana@x.example", "555-0107")
    assert set(keep.source_records.values_list("sourced_id", flat=True)) == {"a", "b"}
    assert keep.memberships.filter(ended_at=None).count() == 2
    assert ContactLink.objects.get(ended_at=None, primary=True).person == keep
    assert "merged with" in timeline(keep)[0]["reason"]
    assert "merged into" in timeline(gone)[0]["reason"]
    for _ in range(2):
        run = trusting.night(TWICE)
        assert (run.state, run.counts["archive"], run.counts["add"]) == ("done", 0, 0)
    assert keep.memberships.filter(ended_at=None).count() == 2
    assert not gone.memberships.exists()


def test_a_merge_taken_back_leaves_the_directory_as_it_was(trusting: World) -> None:
    trusting.night(TWICE)
    before = whole()
    change = merging.merge(of("a"), of("b"), by(), trusting.now)
    assert whole() != before
    merging.undo(change, by(), trusting.now)
    assert whole() == before
    with pytest.raises(merging.CannotMerge, match="taken back already"):
        merging.undo(change, by(), trusting.now)
    assert [row.action for row in Change.objects.filter(run=None, subject_id=change.subject_id)] == [
        "merge",
        "add",  # at the other's school
        "split",
        "archive",
    ]


def test_two_at_one_place_leave_one_open_membership_and_come_back_as_two(trusting: World) -> None:
    told = [student("a", number="7"), student("b", number="7"), *TWICE[3:]]
    trusting.night(told)
    before = whole()
    change = merging.merge(of("a"), of("b"), by(), trusting.now)
    trusting.night(told)
    assert Membership.objects.filter(school=trusting.lincoln, ended_at=None, person__number="7").count() == 1
    merging.undo(change, by(), trusting.now)
    assert whole() == before
    assert trusting.night(told).counts["archive"] == 0


def test_what_was_changed_since_a_merge_stays_when_it_is_taken_back(trusting: World) -> None:
    trusting.night(TWICE)
    change = merging.merge(of("b"), of("a"), by(), trusting.now)
    Person.objects.filter(pk=change.subject_id).update(number="8")
    merging.undo(change, by(), trusting.now)
    keep = Person.objects.get(pk=change.subject_id)
    assert (keep.number, keep.email) == ("8", "")


def test_a_merged_person_is_matched_no_more_and_listed_nowhere(trusting: World) -> None:
    trusting.night(TWICE)
    keep, gone = of("b"), of("s0")
    merging.merge(keep, gone, by(), trusting.now)
    twin = student("late", number=gone.number, email=gone.email)
    trusting.night([*(one for one in TWICE if one.sourced_id != "s0"), twin])
    assert of("late") == keep
    page = (
        owner_of(trusting.lincoln).get(f"/schools/{trusting.lincoln.pk}/people/?archived=1").content.decode()
    )
    assert "Lopez s0" not in page


def test_a_split_gives_the_chosen_records_to_somebody_new_with_what_only_they_stand_for(
    trusting: World,
) -> None:
    told = [
        *family(student("a", number="7"), guardians=[ROSA]),
        student("b", number="7", email="a@lincoln.example", org=OAKWOOD),
    ]
    trusting.night(told)
    person = of("a")
    assert person == of("b")
    before = Membership.objects.order_by("pk").values_list("pk", "person", "ended_at")
    was = list(before)
    record = SourceRecord.objects.get(sourced_id="b")
    change = merging.split(person, [record.pk], told[-1], by(), trusting.now)
    new = of("b")
    assert (new != person, new.family_name) == (True, "Lopez b")
    assert [m.school for m in new.memberships.all()] == [trusting.oakwood]
    assert [m.school for m in person.memberships.all()] == [trusting.lincoln]
    assert person.contact_links.filter(ended_at=None).exists()
    for _ in range(2):  # they stay two, though the number is the same
        run = trusting.night(told)
        assert (run.counts["add"], run.counts["archive"], of("a") == of("b")) == (0, 0, False)
    merging.undo(change, by(), trusting.now)
    assert of("a") == of("b") == person
    assert list(before.all()) == was


def test_what_cannot_be_is_refused_with_its_reason(trusting: World) -> None:
    trusting.night(TWICE)
    one, other = of("a"), of("b")
    with pytest.raises(merging.CannotMerge, match="two different people"):
        merging.merge(one, one, by(), trusting.now)
    with pytest.raises(merging.CannotMerge, match="each of the two keeps at least one"):
        merging.split(one, [one.source_records.get().pk], None, by(), trusting.now)
    grant("ana@x.example", Role.OWNER, school=trusting.lincoln)
    with pytest.raises(merging.CannotMerge, match="Keep them"):
        merging.merge(other, one, by(), trusting.now)
    merging.merge(one, other, by(), trusting.now)
    with pytest.raises(merging.CannotMerge, match="merged already"):
        merging.merge(of("s0"), other, by(), trusting.now)


def test_nobody_is_merged_while_a_sync_is_under_way(trusting: World) -> None:
    trusting.night(TWICE)
    sync = connection.copy()
    try:
        with sync.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [0x686F6D65, trusting.connection.pk])
        with pytest.raises(merging.CannotMerge, match="under way"):
            merging.merge(of("a"), of("b"), by(), trusting.now)
    finally:
        sync.close()


def test_what_both_lost_and_got_by_it_stands_in_their_history(trusting: World) -> None:
    trusting.night(TWICE)
    keep, gone = of("b"), of("a")
    change = merging.merge(keep, gone, by(), trusting.now)
    merging.undo(change, by(), trusting.now)
    rows = Change.objects.filter(run=None).exclude(school=None).order_by("pk")
    told = [(row.subject_id, row.action, row.school, row.fields.get("grade")) for row in rows]
    lincoln = trusting.lincoln
    assert told == [
        (gone.pk, "archive", lincoln, ["09", None]),
        (keep.pk, "add", lincoln, [None, "09"]),
        (gone.pk, "add", lincoln, [None, "09"]),
        (keep.pk, "archive", lincoln, ["09", None]),
    ]
    families = Change.objects.filter(run=None, fields__has_key="guardians").order_by("pk")
    assert [[len(side) for side in row.fields["guardians"]] for row in families] == [
        [1, 0],
        [0, 1],
        [0, 1],
        [1, 0],
    ]


def test_a_contact_whom_the_one_kept_once_had_is_theirs_again(trusting: World) -> None:
    told = [*family(student("a"), student("b"), guardians=[ROSA]), *TWICE[3:]]
    trusting.night(told)
    trusting.night([replace(told[0], agents=()), *told[1:]])
    before = whole()
    change = merging.merge(of("a"), of("b"), by(), trusting.now)
    link = ContactLink.objects.get(ended_at=None)
    assert (link.person, link.primary) == (of("a"), True)
    merging.undo(change, by(), trusting.now)
    assert whole() == before


def test_a_place_that_one_of_the_two_was_taken_from_by_hand_is_not_opened_by_a_sync(trusting: World) -> None:
    one, other = student("a"), student("b")
    trusting.night([one, other, *TWICE[3:]])
    hand.archive(of("b"), trusting.lincoln, by(), trusting.now)
    trusting.night([other, *TWICE[3:]])
    keep = of("a")
    change = merging.merge(keep, of("b"), by(), trusting.now)
    assert trusting.night([other, *TWICE[3:]]).counts["restore"] == 0
    assert keep.memberships.get().ended_at is not None
    merging.undo(change, by(), trusting.now)
    assert not keep.memberships.get().ended_by_hand


def test_whom_no_sync_may_touch_none_touches_after_a_merge(trusting: World) -> None:
    trusting.night(TWICE)
    keep, gone = of("a"), of("s0")
    hand.exclude(gone, by(), trusting.now, excluded=True)
    change = merging.merge(keep, gone, by(), trusting.now)
    trusting.night([replace(TWICE[0], given_name="Noor"), *TWICE[1:]])
    keep.refresh_from_db()
    assert (keep.excluded, keep.given_name) == (True, "Ana")
    assert change.reason.endswith("; excluded from sync, as they were")
    merging.undo(change, by(), trusting.now)
    assert (of("a").excluded, of("s0").excluded) == (False, True)


def test_what_was_edited_by_hand_and_taken_over_is_kept_until_released(trusting: World) -> None:
    trusting.night(TWICE)
    keep, gone = of("a"), of("s0")
    hand.edit(gone, {"phone": "555-0100"}, by(), trusting.now)
    change = merging.merge(keep, gone, by(), trusting.now)
    trusting.night([replace(TWICE[0], phone="1", given_name="Noor"), *TWICE[1:]])
    keep.refresh_from_db()
    assert (keep.phone, keep.given_name, keep.kept_fields) == ("555-0100", "Noor", ["phone"])
    merging.undo(change, by(), trusting.now)
    keep.refresh_from_db()
    assert (keep.phone, keep.kept_fields) == ("", [])


def test_a_primary_contact_chosen_by_hand_stays_chosen_after_a_merge(trusting: World) -> None:
    both = [ROSA, adult("g2", "parent", given_name="Juan")]
    told = [*family(student("a"), guardians=both), student("b", org=OAKWOOD), *TWICE[3:]]
    trusting.night(told)
    link = ContactLink.objects.get(contact__given_name="Juan")
    hand.make_primary(link, by(), trusting.now)
    keep = of("b")
    merging.merge(keep, of("a"), by(), trusting.now)
    trusting.night([replace(told[0], phone="1"), *told[1:]])
    assert ContactLink.objects.get(person=keep, primary=True, ended_at=None).contact == link.contact


def test_when_the_record_that_spoke_for_somebody_is_anothers_the_next_one_speaks(trusting: World) -> None:
    told = [
        student("a", number="7", email="one@x.example"),
        student("b", number="7", email="one@x.example", org=OAKWOOD, given_name="Beatriz", phone="555-0100"),
        *TWICE[3:],
    ]
    trusting.night(told)
    person = of("a")
    assert (person, person.given_name) == (of("b"), "Ana")
    merging.split(person, [SourceRecord.objects.get(sourced_id="a").pk], told[0], by(), trusting.now)
    trusting.night(told)
    person.refresh_from_db()
    assert (person.given_name, person.phone) == ("Beatriz", "555-0100")


def test_a_split_opens_no_place_that_was_closed_by_hand_and_excludes_both(trusting: World) -> None:
    told = [student("a", number="7"), *TWICE[3:]]
    trusting.night(told)
    person = of("a")
    merging.merge(person, of("s0"), by(), trusting.now)
    hand.archive(person, trusting.lincoln, by(), trusting.now)
    hand.exclude(person, by(), trusting.now, excluded=True)
    merging.split(person, [SourceRecord.objects.get(sourced_id="s0").pk], told[1], by(), trusting.now)
    assert not Membership.objects.filter(person__in=[person, of("s0")], ended_at=None).exists()
    assert of("s0").excluded


def test_a_split_taken_back_leaves_every_field_as_it_was(trusting: World) -> None:
    told = [
        student("a", number="7", email="one@x.example"),
        student("b", number="7", email="one@x.example", org=OAKWOOD, phone="555-0100"),
        *TWICE[3:],
    ]
    trusting.night(told)
    person = of("a")
    change = merging.split(person, [SourceRecord.objects.get(sourced_id="b").pk], told[1], by(), trusting.now)
    merging.undo(change, by(), trusting.now)
    person.refresh_from_db()
    assert (person.phone, of("b")) == ("", person)


def test_a_split_is_taken_back_though_the_new_one_has_an_owners_address(trusting: World) -> None:
    told = [student("a", number="7"), student("b", number="7", org=OAKWOOD), *TWICE[3:]]
    trusting.night(told)
    person = of("a")
    grant("b@lincoln.example", Role.OWNER, school=trusting.lincoln)
    change = merging.split(person, [SourceRecord.objects.get(sourced_id="b").pk], told[1], by(), trusting.now)
    merging.undo(change, by(), trusting.now)
    assert of("b") == person


def test_a_place_for_which_the_one_kept_came_to_stand_is_theirs_when_the_merge_is_taken_back(
    trusting: World,
) -> None:
    one, other = student("a"), student("b", org=OAKWOOD)
    trusting.night([one, other, *TWICE[3:]])
    keep = of("a")
    change = merging.merge(keep, of("b"), by(), trusting.now)
    moved = [student("a", roles=(*one.roles, *other.roles)), other, *TWICE[3:]]
    trusting.night(moved)
    merging.undo(change, by(), trusting.now)
    here = Membership.objects.filter(ended_at=None, school=trusting.oakwood)
    assert {place.person for place in here} == {keep, of("b")}
    assert trusting.night(moved).counts["archive"] == 0


def test_taken_back_after_the_sis_chose_anew_nobody_has_two_primary_contacts(trusting: World) -> None:
    """Both have a primary contact. Since the merge the SIS no longer names that of the one kept, and another of the other's is primary."""
    one, two, three = (
        adult(f"g{n}", "parent", given_name=name) for n, name in enumerate(("Rosa", "Juan", "Ines"))
    )
    a, b = student("a"), student("b", number="", email="")
    told = [replace(a, agents=("g0",)), replace(b, agents=("g1", "g2")), one, two, three, *TWICE[3:]]
    trusting.night(told)
    change = merging.merge(of("a"), of("b"), by(), trusting.now)
    trusting.night([replace(a, agents=("g2", "g1")), replace(b, agents=("g2", "g1")), *told[2:]])
    merging.undo(change, by(), trusting.now)
    primary = ContactLink.objects.filter(primary=True, ended_at=None)
    assert primary.filter(person=of("b")).count() <= 1
    trusting.night(told)
    assert set(primary.values_list("person", "contact__given_name")) == {
        (of("a").pk, "Rosa"),
        (of("b").pk, "Juan"),
    }


def test_nobody_is_merged_while_a_sync_of_theirs_lies_cut_off(trusting: World) -> None:
    trusting.night(TWICE)
    run = trusting.night(TWICE)
    Run.objects.filter(pk=run.pk).update(state="running", step="apply")
    with pytest.raises(merging.CannotMerge, match="under way"):
        merging.merge(of("a"), of("b"), by(), trusting.now)


def test_a_new_record_with_the_signs_of_somebody_merged_is_the_one_who_was_kept(trusting: World) -> None:
    trusting.night(TWICE)
    keep, gone = of("a"), of("s0")
    merging.merge(keep, gone, by(), trusting.now)
    late = student("late", number=gone.number, email=gone.email, family_name=gone.family_name, org=OAKWOOD)
    run = trusting.night([*(one for one in TWICE if one.sourced_id != "s0"), late])
    assert (of("late"), run.counts["archive"]) == (keep, 0)
    assert Person.objects.filter(number=gone.number).count() == 1


def test_a_new_record_is_matched_through_two_merges_and_no_more_once_they_are_taken_back(
    trusting: World,
) -> None:
    trusting.night(TWICE)
    first, second, third = of("s0"), of("s1"), of("s2")
    one = merging.merge(second, first, by(), trusting.now)
    two = merging.merge(third, second, by(), trusting.now)
    told = [*TWICE, student("late", number=first.number, email="", org=OAKWOOD)]
    dry = trusting.night(told, dry_run=True)
    assert set(Change.objects.filter(run=dry, sourced_id="late").values_list("subject_id")) == {(third.pk,)}
    merging.undo(two, by(), trusting.now)
    merging.undo(one, by(), trusting.now)
    trusting.night(told)
    assert of("late") == first


def test_a_merge_after_which_records_came_is_not_taken_back_but_split(trusting: World) -> None:
    trusting.night(TWICE)
    keep, gone = of("a"), of("s0")
    change = merging.merge(keep, gone, by(), trusting.now)
    new = [replace(one, sourced_id=f"new-{one.sourced_id}", agents=()) for one in TWICE]
    approve(trusting.night(new), None, trusting.clock)
    assert (of("new-a"), of("new-s0")) == (keep, keep)
    before = whole()
    with pytest.raises(
        merging.CannotMerge,
        match="Since the merge, records of the SIS have come that mean Ana Lopez a: new-a, new-s0",
    ):
        merging.undo(change, by(), trusting.now)
    assert whole() == before
    trusting.night(new)
    assert not gone.memberships.filter(ended_at=None).exists()
    assert Person.objects.filter(number=gone.number).count() == 1


# The page.


def owner_of(school: School, email: str = "owner@lincoln.example") -> Client:
    grant(email, Role.OWNER, school=school)
    client = Client()
    client.force_login(Account.objects.get(email=email))
    return client


def test_an_owner_merges_splits_and_takes_back_on_the_page(trusting: World) -> None:
    told = [
        replace(one, roles=student("x", org=LINCOLN).roles) if one.sourced_id == "b" else one for one in TWICE
    ]
    trusting.night(told)
    client, keep, gone = owner_of(trusting.lincoln), of("a"), of("b")
    path = f"/schools/{trusting.lincoln.pk}/people/{keep.pk}/merge/"
    assert f"?with={gone.pk}" in client.get(path + "?q=Lopez+b").content.decode()
    page = client.get(f"{path}?with={gone.pk}").content.decode()
    assert "555-0107" in page
    client.post(path, {"with": gone.pk})
    assert of("b") == keep
    page = client.get(path).content.decode()
    assert "Take back" in page
    old = client.get(f"/schools/{trusting.lincoln.pk}/people/{gone.pk}/")
    assert old["Location"].endswith(f"/people/{keep.pk}/")
    record = SourceRecord.objects.get(sourced_id="b")
    client.post(path.replace("merge", "split"), {"record": record.pk})
    assert of("b") not in (keep, gone)
    change = Change.objects.filter(run=None, action="split", fields__has_key="moved").get()
    client.post(path + "undo/", {"change": change.pk})
    assert of("b") == keep


def test_nobody_touches_a_person_of_a_school_in_which_they_have_no_part(trusting: World) -> None:
    trusting.night(TWICE)
    client, here, there = owner_of(trusting.lincoln), of("a"), of("b")
    path = f"/schools/{trusting.lincoln.pk}/people/{here.pk}/merge/"
    assert "Lopez b" not in client.get(path + "?q=Lopez").content.decode()
    assert client.get(f"{path}?with={there.pk}").status_code == 404
    assert client.post(path, {"with": there.pk}).status_code == 404
    change = merging.merge(here, there, by(), trusting.now)
    page = client.get(path).content.decode()
    assert "a school in which you have no part: Oakwood" in page
    before = whole()
    client.post(path + "undo/", {"change": change.pk})
    client.post(path.replace("merge", "split"), {"record": SourceRecord.objects.get(sourced_id="b").pk})
    client.post(path, {"with": of("s0").pk})
    assert whole() == before
    both = owner_of(trusting.oakwood)
    both.post(path + "undo/", {"change": change.pk})
    assert of("b") == there


@pytest.mark.slow
class Merges(TransactionTestCase):
    @settings(max_examples=12)
    @given(st.data())
    def test_merges_taken_back_in_turn_leave_the_directory_as_it_was(self, data) -> None:  # type: ignore[no-untyped-def]
        world = World()
        for school in (world.lincoln, world.oakwood):
            world.configure(*EVERYTHING, "parents=on", school=school)
        told = [
            *family(student("a", number="7"), student("b", number="7"), guardians=[ROSA]),
            *family(
                student("c", number="7", org=OAKWOOD),
                student("d", org=OAKWOOD),
                guardians=[ROSA, adult("g2", "parent")],
            ),
        ]
        world.night(told)
        if data.draw(st.booleans()):
            world.night(told[1:])
        states, done = [whole()], []
        for _ in range(data.draw(st.integers(1, 3))):
            people = list(Person.objects.filter(merged_into=None))
            if len(people) < 2:
                break
            keep, gone = data.draw(st.permutations(people))[:2]
            done.append(merging.merge(keep, gone, None, world.now))
            states.append(whole())
            assert Person.objects.count() == len(states[0][0])
            assert not SourceRecord.objects.filter(person=gone).exists()
        while done:
            assert whole() == states.pop()
            merging.undo(done.pop(), None, world.now)
        assert whole() == states.pop()


def test_of_two_records_at_one_place_one_says_the_grade(trusting: World) -> None:
    told = [student("a", grade="10"), student("b", grade="09")]
    trusting.night(told)
    merging.merge(of("a"), of("b"), by(), trusting.now)
    for grade in ("11", "12"):
        trusting.configure(f"grace.runs={grade}")  # everybody is looked at anew
        told = [told[0], replace(told[1], grade=grade)]
        run = trusting.night(told)
        assert not Change.objects.filter(run=run, action="update").exists()
        assert Membership.objects.get(person=of("a"), ended_at=None).grade == "10"
    trusting.night([replace(told[0], leaving=True), told[1]])
    assert Membership.objects.get(person=of("a"), ended_at=None).grade == "12"
