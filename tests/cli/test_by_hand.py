"""What is done to one person by hand, by commands: seen by its effect on the next sync."""

from dataclasses import replace

import pytest

from homeroom.campus.people.models import Person
from homeroom.campus.runs.by_hand import hand
from homeroom.web.accounts.models import Account
from tests.campus.world import World
from tests.cli.conftest import Command
from tests.invented import student

SCHOOL = "Lincoln High"
MANY = [student(f"s{number:02d}") for number in range(12)]


@pytest.fixture
def ana(trusting: World) -> Person:
    trusting.night(MANY)
    return Person.objects.get(number="n-s00")


def test_a_field_edited_by_hand_is_let_go_of(trusting: World, ana: Person, command: Command) -> None:
    owner = Account.objects.create_user("owner@lincoln.example")
    hand.edit(ana, {"given_name": "Nora"}, owner, trusting.now)
    said = command("by-hand", "release", ana.pk, "--json").json
    assert said["person"] == ana.pk
    assert [one["reason"] for one in said["changes"]] == ["released to the SIS: given_name"]
    trusting.night(MANY)
    ana.refresh_from_db()
    assert ana.given_name == "Ana"
    again = command("by-hand", "release", ana.pk)
    assert (again.status, "there was nothing to do" in again.out) == (0, True)


def test_whoever_is_excluded_is_left_alone_until_they_are_included(
    trusting: World, ana: Person, command: Command
) -> None:
    assert "excluded from sync by hand" in command("by-hand", "exclude", ana.pk).out
    assert command("by-hand", "exclude", ana.pk, "--json").json["changes"] == []
    told = [replace(MANY[0], given_name="Noor"), *MANY[1:]]
    for done, name in (("", "Ana"), ("include", "Noor")):
        if done:
            command("by-hand", done, ana.pk)
        trusting.night(told)
        ana.refresh_from_db()
        assert ana.given_name == name


def test_somebody_is_archived_and_restored_at_one_school(
    trusting: World, ana: Person, command: Command
) -> None:
    (row,) = command("by-hand", "archive", ana.pk, SCHOOL, "--json").json["changes"]
    assert (row["action"], row["reason"]) == ("archive", "archived by hand")
    trusting.night(MANY)
    assert "s00" not in trusting.active()
    assert command("by-hand", "archive", ana.pk, "Oakwood", "--json").json["changes"] == []
    assert command("by-hand", "restore", ana.pk, SCHOOL).status == 0
    assert "s00" in trusting.active()


def test_whom_there_is_not_or_not_any_more_is_said(trusting: World, ana: Person, command: Command) -> None:
    missing = command("by-hand", "archive", 0, SCHOOL)
    assert (missing.status, "There is no person 0" in missing.err) == (2, True)
    other = Person.objects.get(number="n-s01")
    command("merge", "people", other.pk, ana.pk)
    late = command("by-hand", "release", ana.pk)
    assert (late.status, "was merged with somebody else" in late.err) == (1, True)
