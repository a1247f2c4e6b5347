"""One sync on a real database: the safe defaults, the switches, completeness, holds, families, and what nothing costs."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from homeroom.campus.people.models import Contact, ContactLink, Membership, Person
from homeroom.campus.runs.by_hand import hand
from homeroom.campus.runs.by_hand.decide import approve
from homeroom.campus.runs.lock import AlreadyRunning, connection_lock
from homeroom.campus.runs.models import Change, ChangedRecord, Run, Staged
from homeroom.campus.runs.start import make_run
from homeroom.campus.runs.sync import carry_out
from homeroom.campus.schools.grants import grant
from homeroom.campus.schools.models import Role
from homeroom.sync.reading import Slice
from homeroom.sync.roster import SourceRole
from homeroom.web.accounts.models import Account
from tests.campus.world import World
from tests.invented import LINCOLN, OAKWOOD, Told, adult, family, student

MANY = [student(f"s{number:02d}") for number in range(40)]


def test_nothing_is_rostered_until_a_role_is_switched_on(world: World) -> None:
    run = world.night([student("a"), adult("t")])
    assert (run.state, run.counts["add"], Person.objects.count()) == ("done", 0, 0)


def test_a_switched_on_role_comes_in_with_its_fields(world: World) -> None:
    world.configure("students=on")
    run = world.night([student("a"), adult("t")])
    person = Person.objects.get()
    place = Membership.objects.get()
    assert (person.given_name, person.number, person.email) == ("Ana", "n-a", "a@lincoln.example")
    assert (place.school, place.group, place.grade, place.managed_by) == (
        world.lincoln,
        "students",
        "09",
        world.connection.pk,
    )
    assert run.counts["add"] == 1


def test_every_change_leaves_a_history_row_with_before_and_after(trusting: World) -> None:
    trusting.night([student("a")])
    run = trusting.night([student("a", grade="10")])
    row = Change.objects.get(run=run)
    assert (row.action, row.fields, row.state) == ("update", {"grade": ["09", "10"]}, "applied")
    assert row.reason == "linked by sourcedId"


def test_people_already_set_up_are_skipped_and_the_report_says_what_would_have_changed(world: World) -> None:
    world.configure("students=on")
    world.night([student("a")])
    run = world.night([student("a", grade="10")])
    row = Change.objects.get(run=run)
    assert (row.action, row.fields) == ("skip", {"grade": ["09", "10"]})
    assert Membership.objects.get().grade == "09"


def test_nobody_is_archived_while_archive_is_off(world: World) -> None:
    world.configure("students=on", "students.auto_update=on")
    world.night([*MANY])
    run = world.night(MANY[1:])
    assert run.counts["archive"] == 0
    assert "s00" in world.active()


def test_archive_ends_the_membership_and_a_return_restores_it_with_history(trusting: World) -> None:
    trusting.night(MANY)
    trusting.night(MANY[1:])
    assert "s00" not in trusting.active()
    person = Person.objects.get(number="n-s00")
    trusting.night(MANY)
    assert "s00" in trusting.active()
    told = Change.objects.filter(subject="person", subject_id=person.pk).values_list("action", flat=True)
    assert list(told) == ["add", "archive", "restore"]
    assert Change.objects.get(action="restore").fields == {}, "a grade that is as it was is no change"


def test_a_reading_that_was_cut_archives_nobody_and_still_adds(trusting: World) -> None:
    trusting.night(MANY)
    run = trusting.night([student("new"), *MANY], cut=12)
    assert (run.complete, run.counts["archive"], run.counts["add"]) == (False, 0, 1)
    assert {f"s{n:02d}" for n in range(40)} | {"new"} == trusting.active()


def test_those_missing_from_an_incomplete_reading_are_archived_once_one_is_complete(trusting: World) -> None:
    trusting.night(MANY)
    trusting.night(MANY[1:], trouble="the server claimed 40")
    assert "s00" in trusting.active()
    trusting.night(MANY[1:])
    assert "s00" not in trusting.active()


def test_a_role_group_that_vanished_whole_archives_nobody(trusting: World) -> None:
    people = [adult("t1"), adult("t2")]
    trusting.night([*MANY, *people])
    run = trusting.night(MANY)
    assert not run.complete
    assert "teachers of Lincoln High" in run.incomplete_because
    assert {"t1", "t2"} <= trusting.active()


def test_a_repeated_id_makes_a_reading_incomplete(trusting: World) -> None:
    trusting.night(MANY)
    run = trusting.night([*MANY[1:], MANY[2]])
    assert not run.complete
    assert "s00" in trusting.active()


@pytest.mark.parametrize(("left", "state"), [(2, "done"), (3, "held")])
def test_more_than_five_per_cent_leaving_waits_for_a_person(trusting: World, left: int, state: str) -> None:
    trusting.night(MANY)
    run = trusting.night([student("new"), *MANY[left:]])
    assert run.state == state
    assert ("s00" in trusting.active()) == (state == "held")
    assert "new" in trusting.active()  # additions go on


def test_more_than_twenty_five_people_leaving_waits_for_a_person(trusting: World) -> None:
    many = [student(f"p{number:03d}") for number in range(600)]
    trusting.night(many)
    assert trusting.night(many[25:]).state == "done"
    assert trusting.night(many[51:]).state == "held"


def test_a_school_is_held_by_its_own_numbers(trusting: World) -> None:
    oak = [student(f"o{number}", org=OAKWOOD) for number in range(40)]
    trusting.night([*MANY, *oak])
    run = trusting.night([*MANY[1:], *oak[10:]])
    assert run.state == "held"
    assert "s00" not in trusting.active()
    assert "o0" in trusting.active(trusting.oakwood)


def test_a_newer_clean_run_makes_an_old_hold_moot(trusting: World) -> None:
    trusting.night(MANY)
    held = trusting.night(MANY[10:])
    trusting.night(MANY)
    held.refresh_from_db()
    assert held.state == "done"
    assert not Change.objects.filter(run=held, state="held").exists()


def test_turning_a_role_off_archives_no_one(trusting: World) -> None:
    trusting.night([*MANY, adult("t1")])
    trusting.configure("students=off")
    run = trusting.night([adult("t1")])
    assert run.counts["archive"] == 0
    assert "s00" in trusting.active()


def test_a_policy_change_takes_effect_though_no_byte_changed(world: World) -> None:
    people = [student("a"), adult("t")]
    world.configure("students=on")
    world.night(people)
    world.configure("teachers=on")
    world.night(people)
    assert world.active() == {"a", "t"}


class Dated(Told):
    """A source that dates every record anew at each reading, as many an export does."""

    day = 0

    def people(self) -> Iterator[list[Slice]]:
        Dated.day += 1
        date = f',"dateLastModified":"2026-06-{Dated.day:02d}T02:00:00.000Z"}}'.encode()
        for page in super().people():
            yield [replace(record, raw=record.raw[:-1] + date) for record in page]


def test_a_night_on_which_records_were_only_dated_anew_is_an_unchanged_one(trusting: World) -> None:
    trusting.sync(Dated(MANY))
    kept = ChangedRecord.objects.count()
    run = trusting.sync(Dated([*MANY[:-1], replace(MANY[-1], given_name="Zoe")]))
    assert (run.unchanged, run.counts["update"]) == (len(MANY) - 1, 1)
    assert ChangedRecord.objects.count() == kept + 1


def test_an_unchanged_night_writes_one_run_row_and_reads_no_person(trusting: World) -> None:
    trusting.night(MANY)
    before = {model: model.objects.count() for model in (Change, Staged, Person, Membership)}
    with CaptureQueriesContext(connection) as queries:
        run = trusting.night(MANY)
    assert run.unchanged == len(MANY)
    assert {model: model.objects.count() for model in before} == before
    touched = [q["sql"] for q in queries if "people_" in q["sql"] or "sourcerecord" in q["sql"]]
    assert not [
        sql
        for sql in touched
        if re.match(r"\s*(INSERT INTO|UPDATE|DELETE FROM|COPY) \"?(people|connections)_", sql)
    ]


def test_a_person_edited_by_hand_keeps_the_edit_until_it_is_released(trusting: World) -> None:
    trusting.night([student("a")])
    owner = Account.objects.create_user("owner@lincoln.example")
    hand.edit(Person.objects.get(), {"given_name": "Anita"}, owner, trusting.now)
    trusting.night([student("a", given_name="Anna")])
    assert Person.objects.get().given_name == "Anita"
    hand.release(Person.objects.get(), owner, trusting.now)
    trusting.night([student("a", given_name="Anna")])
    assert Person.objects.get().given_name == "Anna"


def test_a_person_excluded_from_sync_is_never_touched(trusting: World) -> None:
    trusting.night(MANY)
    owner = Account.objects.create_user("owner@lincoln.example")
    hand.exclude(Person.objects.get(number="n-s00"), owner, trusting.now, excluded=True)
    trusting.night([replace(MANY[0], grade="12"), *MANY[2:]])
    assert Membership.objects.get(person__number="n-s00").grade == "09"
    trusting.night(MANY[2:])
    assert trusting.active() == {f"s{number:02d}" for number in range(40)} - {"s01"}


def test_an_owner_is_never_archived(trusting: World) -> None:
    people = [adult(f"t{number}") for number in range(12)]
    trusting.night(people)
    grant("t0@lincoln.example", Role.OWNER, school=trusting.lincoln)
    trusting.night(people[1:])
    assert "t0" in trusting.active()


def test_somebody_added_by_hand_is_never_archived(trusting: World) -> None:
    person = Person.objects.create(district=trusting.district, given_name="Ines", number="by-hand")
    Membership.objects.create(
        district=trusting.district,
        person=person,
        school=trusting.lincoln,
        group="students",
        started_at=trusting.now,
    )
    trusting.night(MANY)
    trusting.night(MANY[1:])
    assert Membership.objects.get(person=person).ended_at is None


def test_a_person_of_the_directory_is_matched_by_number_not_doubled(trusting: World) -> None:
    person = Person.objects.create(district=trusting.district, given_name="Ana", number="n-a")
    trusting.night([student("a")])
    assert Person.objects.get().pk == person.pk


def test_two_candidates_are_a_problem_and_nobody_is_touched(trusting: World) -> None:
    for name in ("Ana", "Anna"):
        Person.objects.create(district=trusting.district, given_name=name, number="n-a")
    run = trusting.night([student("a")])
    assert run.problems.filter(code="ambiguous_match").count() == 1
    assert run.counts["add"] == 0


def test_one_person_at_two_schools_is_one_person_with_two_memberships(trusting: World) -> None:
    both = (SourceRole("teacher", LINCOLN), SourceRole("teacher", OAKWOOD, primary=False))
    trusting.night([adult("t", roles=both)])
    assert Person.objects.count() == 1
    assert trusting.active() == trusting.active(trusting.oakwood) == {"t"}


def test_two_students_with_one_number_at_one_school_are_two_people(trusting: World) -> None:
    twins = [
        student("a", number="7", email="x@lincoln.example"),
        student("b", number="7", email="x@lincoln.example", grade="12"),
    ]
    run = trusting.night(twins)
    assert trusting.active() == {"a", "b"}
    assert set(run.problems.values_list("code", flat=True)) == {"shared_number", "shared_email"}
    trusting.night([*twins, student("c", number="7", email="c@lincoln.example")])
    assert trusting.active() == {"a", "b", "c"}
    assert trusting.night([*twins, student("c", number="7", email="c@lincoln.example")]).unchanged == 3


def test_a_record_that_takes_the_place_of_one_that_left_means_the_same_person(trusting: World) -> None:
    trusting.night([student("old", number="7"), *MANY])
    trusting.night([student("new", number="7"), *MANY])
    assert Person.objects.filter(number="7").count() == 1


def test_two_records_of_one_number_at_two_schools_are_one_person_at_both(trusting: World) -> None:
    here, there = adult("r1", number="77"), adult("r2", number="77", email="r1@lincoln.example", org=OAKWOOD)
    run = trusting.night([here, there])
    assert run.counts["archive"] == 0
    assert Person.objects.count() == 1
    assert Membership.objects.filter(ended_at=None).count() == 2
    assert trusting.night([here, there]).unchanged == 2


def test_two_records_that_mean_somebody_who_is_there_already_are_one_person_at_both(trusting: World) -> None:
    person = Person.objects.create(district=trusting.district, given_name="Kofi", number="77")
    there = adult("r2", number="77", email="r1@lincoln.example", org=OAKWOOD)
    run = trusting.night([adult("r1", number="77"), there])
    assert run.counts["archive"] == 0
    assert Membership.objects.filter(person=person, ended_at=None).count() == 2


def test_a_move_between_schools_ends_one_membership_and_starts_another(trusting: World) -> None:
    trusting.night(MANY)
    trusting.night([replace(MANY[0], roles=(SourceRole("student", OAKWOOD),)), *MANY[1:]])
    assert "s00" not in trusting.active()
    assert trusting.active(trusting.oakwood) == {"s00"}
    assert Person.objects.count() == 40


def test_siblings_share_one_contact_and_the_choice_says_why(trusting: World) -> None:
    mother, uncle = adult("g1", "guardian"), adult("g2", "relative")
    trusting.night(family(student("a"), student("b"), guardians=[uncle, mother]))
    assert Contact.objects.count() == 2
    primary = ContactLink.objects.filter(primary=True)
    assert {link.contact.family_name for link in primary} == {"Stone g1"}
    assert primary[0].reason == "parent or guardian before relative"
    assert not Person.objects.filter(family_name__startswith="Stone").exists()


def test_a_guardian_who_leaves_makes_the_next_one_primary(trusting: World) -> None:
    mother, uncle = adult("g1", "guardian"), adult("g2", "relative")
    trusting.night(family(student("a"), guardians=[mother, uncle]))
    trusting.night(family(student("a"), guardians=[uncle]))
    link = ContactLink.objects.get(ended_at=None)
    assert (link.contact.family_name, link.primary, link.reason) == ("Stone g2", True, "the only guardian")


def test_a_changed_phone_of_a_guardian_reaches_the_contact(trusting: World) -> None:
    mother = adult("g1", "guardian", phone="555-0101")
    trusting.night(family(student("a"), guardians=[mother]))
    trusting.night(family(student("a"), guardians=[replace(mother, phone="555-0199")]))
    assert Contact.objects.get().phone == "555-0199"


def test_parents_stay_out_until_they_are_switched_on(world: World) -> None:
    world.configure("students=on")
    people = family(student("a"), guardians=[adult("g1", "guardian")])
    world.night(people)
    assert Contact.objects.count() == 0
    world.configure("parents=on", "students.auto_update=on")
    world.night(people)
    assert Contact.objects.count() == 1


def test_a_second_start_says_that_a_run_is_under_way(trusting: World) -> None:
    first = make_run(trusting.connection, "nightly", None)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [0x686F6D65, trusting.connection.pk])
        with pytest.raises(AlreadyRunning, match="under way"), connection_lock(first, trusting.now):
            pass
    finally:
        other.close()


def test_a_dry_run_changes_nobody(trusting: World) -> None:
    run = trusting.night([student("a")], dry_run=True)
    assert (run.state, run.counts["add"], Person.objects.count()) == ("planned", 1, 0)


def test_a_run_without_a_resolved_school_fails_and_says_what_to_do(world: World) -> None:
    world.connection.links.update(org="")
    run = world.night([student("a")])
    assert run.state == "failed"
    assert "Save and Test Connection" in run.error_cure


def test_a_record_that_cannot_be_read_costs_no_other(trusting: World) -> None:
    class Torn(Told):
        def people(self):  # type: ignore[no-untyped-def]
            for page in super().people():
                yield [replace(page[0], raw=b'{"broken'), *page[1:]]

    run = trusting.sync(Torn(MANY[:6]))
    assert trusting.active() == {"s01", "s02", "s04", "s05"}
    assert run.counts["problem"] == 2


def test_a_fault_of_ours_ends_the_run_and_touches_nobody(
    trusting: World, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Told):
        def parse(self, record):  # type: ignore[no-untyped-def]
            raise ZeroDivisionError

    run = trusting.sync(Broken(MANY))
    assert (run.state, Person.objects.count()) == ("failed", 0)
    assert "ZeroDivisionError" in run.message
    assert trusting.night(MANY).state == "done"


def test_a_run_that_ended_is_not_done_again(trusting: World) -> None:
    run = trusting.night(MANY)
    again = carry_out(Run.objects.get(pk=run.pk), Told([]), clock=trusting.clock)
    assert again.counts["add"] == 40
    assert len(trusting.active()) == 40


def test_a_new_id_of_somebody_is_not_a_leaver_whichever_id_comes_first(trusting: World) -> None:
    trusting.night([student("a1", number="7"), *MANY])
    run = trusting.night([student("z1", number="7"), *MANY])
    assert run.counts["archive"] == 0
    assert {"z1"} < trusting.active()
    assert Membership.objects.get(person__number="7").ended_at is None


def test_two_records_of_one_person_that_come_to_one_place_add_it_once(trusting: World) -> None:
    one, other = adult("r1", number="77"), adult("r2", number="77", org=OAKWOOD)
    trusting.night([one, other])
    aide = SourceRole("aide", LINCOLN)
    trusting.night([replace(one, roles=(*one.roles, aide)), replace(other, roles=(*other.roles, aide))])
    assert Change.objects.filter(action="add", group="staff").count() == 1


def test_somebody_back_in_a_reading_that_proves_nothing_and_gone_again_is_archived(trusting: World) -> None:
    """Their family was still to be looked at when they were restored, so their record was not settled: it was gone still."""
    told = [*family(MANY[0], guardians=[adult("g1", "parent")]), *MANY[1:]]
    trusting.night(told)
    person = Person.objects.get(number="n-s00")
    for _ in range(2):
        trusting.night(MANY[1:])
    place = Membership.objects.get(person=person)
    assert place.ended_at is not None
    trusting.night(MANY, trouble="the data revision moved")
    place.refresh_from_db()
    assert place.ended_at is None
    trusting.night(MANY[1:])
    place.refresh_from_db()
    assert place.ended_at is not None


def test_what_was_approved_is_turned_back_when_the_sis_says_again_what_it_said_before(
    trusting: World,
) -> None:
    """What waited was not settled, so the record's fingerprint was still that of the bytes before."""
    trusting.night(MANY)
    trusting.configure("hold.update.count=0")
    approve(trusting.night([replace(MANY[0], given_name="Ada"), *MANY[1:]]), None, trusting.clock)
    trusting.configure("hold.update.count=none")
    person = Person.objects.get(number="n-s00")
    assert person.given_name == "Ada"
    trusting.night(MANY)
    person.refresh_from_db()
    assert person.given_name == "Ana"


@pytest.mark.parametrize("silent", ["r1", "r2"])
def test_a_record_that_says_too_little_vouches_for_where_it_stood_beside_another_of_the_same_person(
    trusting: World, silent: str
) -> None:
    here, there = adult("r1", number="77"), adult("r2", number="77", email="r1@lincoln.example", org=OAKWOOD)
    trusting.night([*MANY, here, there, adult("t", org=OAKWOOD), adult("u")])
    person = Person.objects.get(number="77")
    said = {
        one.sourced_id: replace(one, roles=(), unsaid=True)
        if one.sourced_id == silent
        else replace(one, phone="555-0199")
        for one in (here, there)
    }
    run = trusting.night([*MANY, *said.values(), adult("t", org=OAKWOOD), adult("u")])
    assert (run.complete, run.counts["archive"]) == (True, 0)
    assert person.memberships.filter(ended_at=None).count() == 2
    other = there if silent == "r1" else here
    run = trusting.night([*MANY, said[silent], adult("t", org=OAKWOOD), adult("u")])  # the other really left
    left = Membership.objects.get(person=person, school__name="Oakwood" if other is there else "Lincoln High")
    stays = person.memberships.get(ended_at=None)
    assert (run.counts["archive"], left.ended_at is not None, stays.school != left.school) == (1, True, True)
