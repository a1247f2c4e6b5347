"""The time line: what was sent, what the rules made of it, the match, each change, each hand edit, as of any day."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from homeroom.campus.people.models import Person
from homeroom.campus.runs.by_hand import hand, merging
from homeroom.campus.runs.by_hand.decide import undo
from homeroom.campus.runs.models import ChangedRecord
from homeroom.campus.runs.telling.timeline import end_of, standing, timeline
from homeroom.campus.runs.telling.versions import versions
from homeroom.sync.reading import Slice
from homeroom.sync.roster import SourceRole
from homeroom.web.accounts.models import Account
from tests.campus.world import World
from tests.invented import LINCOLN, OAKWOOD, Told, student

MANY = [student(f"s{number:02d}") for number in range(12)]


def told(person: Person, **more: Any) -> list[tuple[str, str]]:
    return [(event["kind"], event["what"]) for event in timeline(person, **more)]


def test_every_version_tells_its_runs_its_verdict_and_what_is_new(trusting: World) -> None:
    first = trusting.night(MANY)
    second = trusting.night(
        [replace(MANY[0], given_name="Noor", roles=(SourceRole("student", OAKWOOD),)), *MANY[1:]]
    )
    trusting.night([replace(MANY[0], leaving=True), *MANY[1:]])
    old, new, gone = versions(Person.objects.get(number="n-s00"))
    assert (old["run"], old["until"], new["run"], gone["until"]) == (first.pk, second.pk, second.pk, None)
    assert old["verdict"] == new["verdict"] == "let through"
    assert gone["verdict"] == "the SIS marks this record as to be deleted"
    assert [
        (field["name"], field["before"], field["after"])
        for field in new["fields"]
        if field["name"] == "given_name"
    ] == [
        (
            "given_name",
            "…",
            "another value",
        )  # this source's own word, not the standard's: only that it changed
    ]


def test_an_unchanged_night_keeps_no_version(trusting: World) -> None:
    trusting.night(MANY)
    kept = ChangedRecord.objects.count()
    trusting.night(MANY)
    assert ChangedRecord.objects.count() == kept


class Stamped(Told):
    """A source that dates every record anew each time it is asked."""

    day = ""

    def people(self) -> Iterator[list[Slice]]:
        stamp = f',"dateLastModified":"{self.day}"}}'.encode()
        for page in super().people():
            yield [replace(record, raw=record.raw[:-1] + stamp) for record in page]


def test_a_record_that_is_only_dated_anew_is_no_new_version(trusting: World) -> None:
    told = [*MANY[:-1], replace(MANY[-1], grade="10")]
    for people, day in (
        (MANY, "2026-06-01"),
        (MANY, "2026-06-02"),
        (told, "2026-06-03"),
        (told, "2026-06-04"),
    ):
        source = Stamped(people)
        source.day = day
        trusting.sync(source)
    assert len(versions(Person.objects.get(number="n-s00"))) == 1
    old, new = versions(Person.objects.get(number=MANY[-1].number))
    assert [field["name"] for field in new["fields"]] == ["grade"]
    assert (old["until"], new["until"]) == (new["run"], None)


def test_the_line_reads_backwards_through_hand_edits_runs_and_undo(trusting: World) -> None:
    trusting.night(MANY)
    person, owner = Person.objects.get(number="n-s00"), Account.objects.create_user("owner@lincoln.example")
    trusting.now += timedelta(hours=1)
    hand.edit(person, {"phone": "555-0100"}, owner, trusting.now)
    run = trusting.night([replace(MANY[0], grade="10"), *MANY[1:]])
    trusting.now += timedelta(hours=1)
    undo(run, owner, trusting.clock)
    assert told(person) == [
        ("change", "Changed"),
        ("change", "Changed"),
        ("sent", "The SIS sent a new version of the record"),
        ("change", "Changed"),
        ("change", "Added"),
        ("sent", "The SIS sent this person's record"),
    ]
    line = timeline(person)
    assert (line[3]["by"], line[3]["reason"]) == (
        "owner@lincoln.example",
        "edited by hand; kept until released",
    )
    assert (line[1]["run"], line[1]["state_words"], line[0]["reason"]) == (
        run.pk,
        "undone later",
        f"run {run.pk} undone",
    )


def test_a_person_as_they_stood_on_any_day(trusting: World) -> None:
    trusting.night(MANY)
    added = trusting.now.date()
    person, owner = Person.objects.get(number="n-s00"), Account.objects.create_user("owner@lincoln.example")
    Person.objects.filter(pk=person.pk).update(created_at=trusting.now)
    person.refresh_from_db()
    trusting.night([replace(MANY[0], grade="10", given_name="Noor"), *MANY[1:]])
    changed = trusting.now.date()
    trusting.now += timedelta(days=1)
    hand.archive(person, trusting.lincoln, owner, trusting.now)
    person.refresh_from_db()

    def on(day: Any) -> dict[str, Any]:
        return standing(person, end_of(day, "UTC"))

    assert not on(added - timedelta(days=1))["known"]
    assert (on(added)["fields"]["given_name"], on(added)["places"][0]["grade"]) == ("Ana", "09")
    assert (on(changed)["fields"]["given_name"], on(changed)["places"][0]["grade"]) == ("Noor", "10")
    assert on(changed)["places"][0]["active"]
    assert not on(changed + timedelta(days=1))["places"][0]["active"]
    assert told(person, until=end_of(added, "UTC")) == [
        ("change", "Added"),
        ("sent", "The SIS sent this person's record"),
    ]


def test_somebody_archived_who_is_back_has_all_their_history(trusting: World) -> None:
    trusting.configure("hold.percent=100")
    people = [*MANY, student("x")]
    trusting.night(people)
    trusting.night(MANY)
    trusting.night(people)
    assert [what for _, what in told(Person.objects.get(number="n-x"))] == [
        "Restored at Lincoln High, students",
        "Archived at Lincoln High, students",
        "Added",
        "The SIS sent this person's record",
    ]


def test_what_somebody_is_at_another_school_is_not_told_to_this_one(trusting: World) -> None:
    here = SourceRole("student", LINCOLN)
    trusting.night(MANY)
    trusting.night([replace(MANY[0], roles=(here, SourceRole("student", OAKWOOD, primary=False))), *MANY[1:]])
    person = Person.objects.get(number="n-s00")
    said = [
        field
        for event in timeline(person, trusting.lincoln)
        for field in event["fields"]
        if field["name"] == "roles"
    ]
    assert said == [{"name": "roles", "before": "…", "after": "another value"}]
    assert any("org-oakwood" in field["after"] for event in timeline(person) for field in event["fields"])


def test_who_was_merged_is_told_of_on_the_line_of_whom_they_are_now(trusting: World) -> None:
    trusting.night(MANY)
    keep, gone, last = (Person.objects.get(number=f"n-s0{n}") for n in range(3))
    owner = Account.objects.create_user("owner@lincoln.example")
    trusting.now += timedelta(hours=1)
    hand.edit(last, {"phone": "555-0100"}, owner, trusting.now)
    two = merging.merge(gone, last, owner, trusting.now)
    one = merging.merge(keep, gone, owner, trusting.now)
    reasons = [event["reason"] for event in timeline(keep)]
    assert f"as {last}, person {last.pk}, who was merged: edited by hand; kept until released" in reasons
    assert f"as {gone}, person {gone.pk}, who was merged: new" in reasons
    assert "new" in reasons
    assert standing(keep, trusting.now - timedelta(minutes=1))["fields"]["phone"] == ""
    merging.undo(one, owner, trusting.now)
    merging.undo(two, owner, trusting.now)
    assert not [event for event in timeline(keep) if "who was merged" in event["reason"]]
