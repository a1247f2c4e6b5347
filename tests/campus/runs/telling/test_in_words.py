"""Changes in words: a family is told by its names, in the run and on the student's time line, also while it is only planned."""

from dataclasses import replace

from homeroom.campus.people.models import Contact, Person
from homeroom.campus.runs.models import Run
from homeroom.campus.runs.telling.describe import changes
from homeroom.campus.runs.telling.timeline import timeline
from tests.campus.world import World
from tests.invented import adult, family, student

ANA = student("a")
ROSA = adult("g1", "parent", given_name="Rosa", family_name="Lopez", email="rosa@x.example")
JUAN = adult("g2", "parent", given_name="Juan", family_name="Lopez", email="juan@x.example")
OMA = adult("g3", "relative", given_name="Ida", family_name="Lopez", email="ida@x.example")


def told(run: Run, action: str) -> tuple[str, str]:
    """The guardians before and after, as the run's page shows them."""
    (row,) = [row for row in changes(run) if row["action"] == action and row["subject"] == "person"]
    (words,) = [words for words in row["said"] if words["name"] == "guardians"]
    return words["before"], words["after"]


def test_who_came_and_who_went_is_told_by_name(trusting: World) -> None:
    first = trusting.night(family(ANA, guardians=[ROSA, JUAN]))
    assert told(first, "add") == ("–", "Rosa Lopez (primary), Juan Lopez")
    second = trusting.night(family(ANA, guardians=[ROSA, OMA]))
    assert told(second, "update") == (
        "Rosa Lopez (primary), Juan Lopez",
        "Rosa Lopez (primary), Ida Lopez",
    )
    events = [field for event in timeline(Person.objects.get()) for field in event["fields"]]
    assert {"name": "guardians", "before": "–", "after": "Rosa Lopez (primary), Juan Lopez"} in events


def test_a_family_that_is_only_planned_has_its_names_too(trusting: World) -> None:
    run = trusting.night(family(ANA, guardians=[ROSA, JUAN]), dry_run=True)
    assert not Contact.objects.exists()
    assert told(run, "add") == ("–", "Rosa Lopez (primary), Juan Lopez")


def test_a_guardian_whose_record_is_no_longer_known_is_counted(trusting: World) -> None:
    run = trusting.night(family(ANA, guardians=[ROSA, JUAN]))
    trusting.connection.records.filter(sourced_id="g2").update(contact=None)
    run.changes.filter(sourced_id="g2").delete()
    assert told(run, "add") == ("–", "Rosa Lopez (primary), a guardian whose name is no longer known")


def test_the_names_of_another_connections_guardians_are_never_told(trusting: World) -> None:
    first = trusting.night(family(ANA, guardians=[ROSA]))
    Contact.objects.update(given_name="Renamed")
    assert told(first, "add") == ("–", "Renamed Lopez (primary)")
    trusting.connection.records.all().delete()
    first.changes.filter(subject="contact").delete()
    assert told(first, "add")[1] == "a guardian whose name is no longer known (primary)"


def test_a_middle_child_whose_parents_are_the_same_is_not_told_of_them(trusting: World) -> None:
    trusting.night(family(ANA, guardians=[ROSA]))
    run = trusting.night(family(replace(ANA, given_name="Anna"), guardians=[ROSA]))
    (row,) = [row for row in changes(run) if row["action"] == "update"]
    assert [words["name"] for words in row["said"]] == ["given name"]
