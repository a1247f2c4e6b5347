"""A re-key: nobody is added or archived until a person decides; then all are relinked at once, and it can be undone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TransactionTestCase

from homeroom.campus.connections.models import SourceRecord
from homeroom.campus.people.models import Contact, ContactLink, Membership, Person
from homeroom.campus.runs.by_hand import decide, hand, merging
from homeroom.campus.runs.models import Change, MatchReview, Run
from homeroom.campus.schools.grants import grant
from homeroom.campus.schools.models import Role
from homeroom.sync.roster import SourceOrg, SourcePerson, SourceRole
from homeroom.web.accounts.models import Account
from tests.campus.world import EVERYTHING, World
from tests.invented import LINCOLN, OAKWOOD, Told, adult, family, student

MANY = [student(f"s{number:02d}") for number in range(12)]


def rekeyed(people: Sequence[SourcePerson], orgs: bool = False) -> list[SourcePerson]:
    """The same people under other ids; with `orgs` their schools too."""
    at = (lambda org: f"new-{org}") if orgs else (lambda org: org)
    return [
        replace(
            person,
            sourced_id=f"new-{person.sourced_id}",
            agents=tuple(f"new-{agent}" for agent in person.agents),
            roles=tuple(replace(role, org=at(role.org)) for role in person.roles),
        )
        for person in people
    ]


def standing() -> set[tuple[int, str, bool]]:
    return set(Membership.objects.values_list("person_id", "school__name", "ended_at"))


def approve(world: World, run: Run) -> Run:
    return decide.approve(run, None, world.clock)


def test_nothing_moves_until_somebody_decides(trusting: World) -> None:
    trusting.night(MANY)
    before = standing()
    for _ in range(2):
        run = trusting.night([*rekeyed(MANY), student("arrives")])
        assert (run.state, run.complete) == ("held", False)
        assert (run.counts["relink"], run.counts["add"], run.counts["archive"]) == (12, 0, 0)
        assert standing() == before
    assert Change.objects.filter(action="relink", state="held").values("run").distinct().count() == 1
    report = run.schools.get(school=trusting.lincoln)
    assert "Looks like a re-key: of 12 people of Lincoln High" in report.held[0]["reason"]
    assert "confidence 100 %" in report.held[0]["reason"]
    assert not MatchReview.objects.exists()


def test_approved_all_are_relinked_and_the_next_night_goes_on_as_ever(trusting: World) -> None:
    trusting.night(MANY)
    people = set(Person.objects.values_list("pk", flat=True))
    run = approve(trusting, trusting.night(rekeyed(MANY)))
    assert run.state == "done"
    assert trusting.active() == {f"new-{one.sourced_id}" for one in MANY}
    night = trusting.night([*(replace(one, grade="10") for one in rekeyed(MANY)), student("arrives")])
    assert (night.state, night.counts["update"], night.counts["add"]) == ("done", 12, 1)
    assert set(Person.objects.exclude(number="n-arrives").values_list("pk", flat=True)) == people
    assert (
        trusting.night([*(replace(one, grade="10") for one in rekeyed(MANY)), student("arrives")]).unchanged
        == 13
    )


def test_undone_the_old_ids_mean_everybody_again_and_the_undo_can_be_undone(trusting: World) -> None:
    trusting.night(MANY)
    run = approve(trusting, trusting.night(rekeyed(MANY)))
    back = decide.undo(run, None, trusting.clock)
    linked = SourceRecord.objects.filter(person__isnull=False).values_list("sourced_id", flat=True)
    assert set(linked) == {one.sourced_id for one in MANY}
    decide.undo(back, None, trusting.clock)
    assert set(linked.all()) == {f"new-{one.sourced_id}" for one in MANY}
    assert Membership.objects.filter(ended_at=None).count() == 12


def test_contacts_are_relinked_with_their_families(trusting: World) -> None:
    mother = adult("g1", "guardian", email="", phone="555-0101")
    father = adult("g2", "guardian", given_name="Juan", email="juan@x.example")
    told = [*family(MANY[0], MANY[1], guardians=[mother, father]), *MANY[2:]]
    trusting.night(told)
    contacts = set(Contact.objects.values_list("pk", flat=True))
    trusting.night(rekeyed(told))
    run = approve(trusting, trusting.night(rekeyed(told)))
    assert Change.objects.filter(run=run, subject="contact", action="relink").count() == 2
    night = trusting.night(rekeyed(told))
    assert night.state == "done"
    assert set(Contact.objects.values_list("pk", flat=True)) == contacts
    assert ContactLink.objects.filter(ended_at=None).count() == 4
    assert ContactLink.objects.filter(primary=True, contact__phone="555-0101").count() == 2


@pytest.mark.parametrize("still", [True, False])
def test_a_teacher_who_is_a_parent_in_the_same_record_is_relinked_as_both(
    trusting: World, still: bool
) -> None:
    both = (SourceRole("teacher", LINCOLN), SourceRole("parent", LINCOLN))
    told = [*MANY[1:], *family(MANY[0], guardians=[adult("t", roles=both)])]
    trusting.night(told)
    contact = Contact.objects.get()
    # The child is somebody else's by now, and they are nobody's contact.
    told[-2:] = [replace(told[-2], agents=()), replace(told[-1], roles=both if still else both[:1])]
    trusting.night(told)
    # Another guardian has the e-mail, so that it tells nothing of the contact.
    other = adult("g", "parent", email="t@lincoln.example", family_name="Other")
    run = approve(trusting, trusting.night([*rekeyed(told), other]))
    assert SourceRecord.objects.get(sourced_id="new-t").contact_id == contact.pk
    assert SourceRecord.objects.get(sourced_id="t").contact_id is None
    assert Change.objects.get(run=run, subject="contact").reason == "new id in the SIS: same person"


def test_a_guardian_whom_the_sis_has_once_for_each_child_keeps_all_records(trusting: World) -> None:
    rosa = adult("g1", "parent")
    told = [
        *MANY[2:],
        *family(MANY[0], guardians=[rosa]),
        *family(MANY[1], guardians=[replace(rosa, sourced_id="g2")]),
    ]
    trusting.night(told)
    contact = Contact.objects.get()
    run = approve(trusting, trusting.night(rekeyed(told)))
    rows = Change.objects.filter(run=run, subject="contact").values_list("fields__sourced_id", flat=True)
    assert sorted(rows) == [["g1", "new-g1"], ["g2", "new-g2"]]
    again = decide.undo(decide.undo(run, None, trusting.clock), None, trusting.clock)
    assert not Change.objects.filter(run=again, action="skip").exists()
    assert set(contact.source_records.values_list("sourced_id", flat=True)) == {"new-g1", "new-g2"}
    assert not Change.objects.filter(run=trusting.night(rekeyed(told))).exists()


def test_a_person_with_two_records_stays_one(trusting: World) -> None:
    here, there = adult("r1", number="77"), adult("r2", number="77", email="r1@lincoln.example", org=OAKWOOD)
    trusting.night([*MANY, here, there])
    approve(trusting, trusting.night(rekeyed([*MANY, here, there])))
    trusting.night(rekeyed([*MANY, here, there]))
    assert Person.objects.count() == 13
    assert Membership.objects.filter(ended_at=None).count() == 14


def test_whoever_was_merged_is_found_again_by_the_signs_of_both(trusting: World) -> None:
    trusting.night(MANY)
    keep, gone, last = (SourceRecord.objects.get(sourced_id=f"s{n:02d}").person for n in range(3))
    assert keep and gone and last
    merging.merge(gone, last, None, trusting.now)
    merging.merge(keep, gone, None, trusting.now)
    run = trusting.night(rekeyed(MANY))
    assert run.counts["relink"] == 12  # records, three of which are one person's
    assert "of 10 people of Lincoln High" in run.schools.get(school=trusting.lincoln).held[0]["reason"]
    approve(trusting, run)
    assert set(keep.source_records.values_list("sourced_id", flat=True)) == {
        f"new-s{n:02d}" for n in range(3)
    }
    night = trusting.night(rekeyed(MANY))
    assert (night.state, night.counts["add"], night.counts["archive"]) == ("done", 0, 0)
    assert Person.objects.count() == 12


def test_whoever_is_excluded_while_a_rekey_waits_has_the_new_id_and_is_not_touched(trusting: World) -> None:
    trusting.night(MANY)
    run = trusting.night(rekeyed(MANY))
    person = SourceRecord.objects.get(sourced_id="s00").person
    assert person
    by = Account.objects.create_user("ana@lincoln.example")
    hand.exclude(person, by, trusting.now, excluded=True)
    approve(trusting, run)
    assert SourceRecord.objects.get(sourced_id="new-s00").person == person
    trusting.night([replace(one, given_name="Noor", number="", email="") for one in rekeyed(MANY)])
    person.refresh_from_db()
    assert (person.given_name, Person.objects.count()) == ("Ana", 12)


def test_whoever_is_merged_while_a_rekey_waits_has_both_new_ids(trusting: World) -> None:
    trusting.night(MANY)
    run = trusting.night(rekeyed(MANY))
    keep, gone = (SourceRecord.objects.get(sourced_id=f"s{n:02d}").person for n in range(2))
    assert keep and gone
    merging.merge(keep, gone, None, trusting.now)
    approve(trusting, run)
    theirs = keep.source_records.filter(gone=False).values_list("sourced_id", flat=True)
    assert set(theirs) == {"new-s00", "new-s01"}
    assert Change.objects.filter(run=run, action="relink", subject_id=keep.pk, state="applied").count() == 2
    assert trusting.night(rekeyed(MANY)).counts["add"] == 0
    assert (set(theirs.all()), gone.source_records.exists()) == ({"new-s00", "new-s01"}, False)
    assert not Membership.objects.filter(person=gone, ended_at=None).exists()


def test_an_email_alone_is_enough(trusting: World) -> None:
    unnumbered = [replace(one, number="") for one in MANY]
    trusting.night(unnumbered)
    run = trusting.night(rekeyed(unnumbered))
    assert run.counts["relink"] == 12


def test_numbers_dealt_out_anew_are_no_rekey_and_take_nobody_for_another(trusting: World) -> None:
    trusting.night(MANY)
    other = [
        student(f"other{n}", number=f"n-s{n:02d}", given_name="Otto", family_name="Weiss") for n in range(12)
    ]
    run = trusting.night(other)
    assert (run.counts["relink"], run.counts["add"], run.counts["update"]) == (0, 0, 0)
    assert MatchReview.objects.filter(state="open").count() == 12


def test_other_people_are_remembered_as_such(trusting: World) -> None:
    trusting.night(MANY)
    client = owner(trusting)
    run = trusting.night(rekeyed(MANY))
    path = f"/schools/{trusting.lincoln.pk}/rostering/runs/{run.pk}/rekey/"
    page = client.get(path).content.decode()
    for said in ("Relink 12 people", "They are other people", "number, e-mail, name", "new-s00"):
        assert said in page
    assert client.get(path + "?format=csv").content.decode().count("\r\n") == 13
    client.post(path)
    run = trusting.night(rekeyed(MANY))
    assert (run.counts["relink"], run.counts["add"], run.state) == (0, 12, "held")  # 12 removals wait
    assert Person.objects.count() == 24


def test_one_with_a_new_id_is_no_event(trusting: World) -> None:
    trusting.night(MANY)
    run = trusting.night([*rekeyed(MANY[:1]), *MANY[1:]])
    assert (run.state, run.counts["relink"], Person.objects.count()) == ("done", 0, 12)


def test_a_reading_that_was_cut_proves_no_rekey(trusting: World) -> None:
    trusting.night(MANY)
    run = trusting.night([*rekeyed(MANY)], trouble="it was cut")
    assert run.counts["relink"] == 0
    assert not Change.objects.filter(action="archive").exists()


@dataclass
class Renamed(Told):
    """A source whose schools have new ids too."""

    def orgs(self) -> Sequence[SourceOrg]:
        return [replace(org, sourced_id=f"new-{org.sourced_id}") for org in super().orgs()]


def test_the_school_itself_may_have_a_new_id(trusting: World) -> None:
    trusting.connection.links.filter(school=trusting.lincoln).update(school_id_typed="004")
    trusting.connection.links.filter(school=trusting.oakwood).update(org_name="Oakwood")
    there = [student(f"o{number:02d}", org=OAKWOOD) for number in range(12)]
    trusting.night([*MANY, *there])
    before = standing()
    run = trusting.sync(Renamed(rekeyed([*MANY, *there], orgs=True)))
    assert (run.state, run.counts["relink"], standing()) == ("held", 24, before)
    run = approve(trusting, run)
    assert set(trusting.connection.links.values_list("org", flat=True)) == {
        f"new-{LINCOLN}",
        f"new-{OAKWOOD}",
    }
    night = trusting.sync(Renamed(rekeyed([*MANY, *there], orgs=True)))
    assert (night.state, night.complete, night.counts["add"], standing()) == ("done", True, 0, before)
    decide.undo(run, None, trusting.clock)
    assert set(trusting.connection.links.values_list("org", flat=True)) == {LINCOLN, OAKWOOD}


def owner(world: World) -> Client:
    grant("owner@lincoln.example", Role.OWNER, school=world.lincoln)
    client = Client()
    client.force_login(Account.objects.get(email="owner@lincoln.example"))
    return client


@st.composite
def districts(draw: st.DrawFn) -> list[SourcePerson]:
    """People of two schools with and without numbers and e-mails, some of which several share."""
    people = []
    for number in range(draw(st.integers(6, 14))):
        sign = draw(st.sampled_from(["both", "number", "email", "shared", "none"]))
        people.append(
            replace(
                student(f"s{number:02d}", org=draw(st.sampled_from([LINCOLN, OAKWOOD]))),
                given_name=draw(st.sampled_from(["Ana", "Ben", "Cy"])),
                number=f"n{number}" if sign in ("both", "number") else "7" if sign == "shared" else "",
                email=f"{number}@x.example" if sign in ("both", "email") else "",
                roles=(SourceRole("student", draw(st.sampled_from([LINCOLN, OAKWOOD]))),),
            )
        )
    return people


@pytest.mark.slow
class RekeyNights(TransactionTestCase):
    @settings(max_examples=15)
    @given(districts(), st.data())
    def test_a_rekey_night_never_archives_or_doubles_anybody(self, people, data) -> None:  # type: ignore[no-untyped-def]
        world = World()
        for school in (world.lincoln, world.oakwood):
            world.configure(*EVERYTHING, "hold.count=1000", "hold.percent=100", school=school)
        world.night(people)
        count, before = Person.objects.count(), standing()
        told = data.draw(st.permutations(rekeyed(people)))
        run = world.night(told)
        if not run.counts["relink"]:
            return  # too few were recognised for one event
        assert (Person.objects.count(), standing()) == (count, before)
        found = set(Change.objects.filter(run=run, action="relink").values_list("subject_id", flat=True))
        approve(world, run)
        world.night(told)
        kept = Membership.objects.filter(person__in=found, ended_at=None).values("person").distinct().count()
        assert kept == len(found)
        for one in found:
            assert Person.objects.get(pk=one).source_records.filter(gone=False).exists()
