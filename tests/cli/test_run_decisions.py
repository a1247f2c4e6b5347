"""What a person may decide about a run, by commands alone: seen by its effect on people, with the status a script goes by."""

from typing import Any

import pytest

from homeroom.campus.people.models import Person
from homeroom.campus.runs.by_hand.decide import approve
from homeroom.campus.runs.models import Change, Run
from homeroom.web.accounts.models import Account
from tests.campus.world import World
from tests.cli.conftest import Command
from tests.invented import student

SCHOOL = "Lincoln High"
MANY = [student(f"s{number:02d}") for number in range(40)]


@pytest.fixture
def held(trusting: World) -> Run:
    """Ten of forty would be archived, which waits."""
    trusting.night(MANY)
    return trusting.night(MANY[10:])


def person(id_: str) -> int:
    return Person.objects.get(number=f"n-{id_}").pk


def archived(command: Command) -> list[str]:
    said = command("people", SCHOOL, "--archived", "--json").json["people"]
    return sorted(one["sourced_id"] for one in said)


def states(run: Run) -> dict[str, int]:
    rows = Change.objects.filter(run=run, subject="person").values_list("state", flat=True)
    return {state: list(rows).count(state) for state in set(rows)}


# --- looking


def test_runs_are_listed_and_one_is_shown_with_its_changes(held: Run, command: Command) -> None:
    listed = command("run", "list", SCHOOL, "--json").json["runs"]
    assert [(one["run"], one["state"]) for one in listed] == [(held.pk, "held"), (held.pk - 1, "done")]
    assert "held" in command("run", "list", SCHOOL).out
    said = command("run", "show", held.pk, "--json").json
    assert len(said["changes"]) == 10
    assert {change["state"] for change in said["changes"]} == {"held"}
    shown = command("run", "show", held.pk)
    assert shown.status == 0
    assert "10 of 40 students would be archived" in shown.out
    assert f"homeroom run show {held.pk}, then run approve or run discard" in " ".join(shown.out.split())


# --- approving


def test_approved_is_carried_out(held: Run, command: Command) -> None:
    said = command("run", "approve", held.pk, "--json")
    assert (said.status, said.json["state"]) == (0, "done")
    assert archived(command) == [f"s{n:02d}" for n in range(10)]


def test_all_but_some_stay_for_good(trusting: World, held: Run, command: Command) -> None:
    said = command("run", "approve", held.pk, "--but", person("s00"), "--but", person("s01"), "--json")
    assert (said.status, said.json["counts"]["archive"]) == (0, 8)
    assert archived(command) == [f"s{n:02d}" for n in range(2, 10)]
    trusting.night(MANY[10:])
    assert archived(command) == [f"s{n:02d}" for n in range(2, 10)]


def test_only_some_are_carried_out_and_the_rest_waits_with_status_3(held: Run, command: Command) -> None:
    said = command("run", "approve", held.pk, "--only", person("s00"), "--json")
    assert (said.status, said.json["state"], said.json["held"]["waiting"]) == (3, "held", {"archive": 9})
    assert archived(command) == ["s00"]
    assert command("run", "approve", held.pk).status == 0
    assert len(archived(command)) == 10


def test_more_changes_than_a_page_carries_out_itself_are_carried_out(
    trusting: World, command: Command
) -> None:
    """Here the command waits; only a page hands so many to the worker."""
    many = [student(f"s{number:04d}") for number in range(2100)]
    run = trusting.night(many, dry_run=True)
    said = command("run", "approve", run.pk, "--json")
    assert (said.status, said.json["state"], said.json["counts"]["add"]) == (0, "done", 2100)
    assert len(trusting.active()) == 2100


def test_the_command_line_is_one_of_two_people(trusting: World, command: Command) -> None:
    trusting.configure("approve.second=5")
    trusting.night(MANY)
    held = trusting.night(MANY[10:])
    for _ in range(2):
        said = command("run", "approve", held.pk)
        assert said.status == 3
        assert "Your approval is kept. 10 removals at Lincoln High need a second person" in " ".join(
            said.err.split()
        )
        assert "The command line is one of the two" in said.err
    assert archived(command) == []
    (approval,) = command("run", "show", held.pk, "--json").json["held"]["approvals"]
    assert approval["removals"] == 10
    approve(held, Account.objects.create_user("owner@lincoln.example"), trusting.clock)
    assert len(archived(command)) == 10


@pytest.mark.parametrize("option", ["--but", "--only"])
def test_a_person_of_whom_nothing_waits_is_told_before_anything_moves(
    held: Run, command: Command, option: str
) -> None:
    """A mistyped id must not let somebody else be archived, nor be remembered."""
    said = command("run", "approve", held.pk, option, person("s39"), option, person("s00"))
    assert (said.status, said.out) == (1, "")
    assert f"Nothing of person {person('s39')} waits in run {held.pk}" in " ".join(said.err.split())
    assert states(held) == {"held": 10}
    assert command("run", "approve", held.pk).status == 0
    assert len(archived(command)) == 10


def test_when_everybody_is_left_out_nothing_is_approved_and_nothing_remembered(
    held: Run, command: Command
) -> None:
    everybody = [word for n in range(10) for word in ("--but", person(f"s{n:02d}"))]
    said = command("run", "approve", held.pk, *everybody)
    assert (said.status, "Discard it instead" in said.err) == (1, True)
    assert command("run", "approve", held.pk).status == 0
    assert len(archived(command)) == 10


def test_settings_changed_since_refuse_an_approval(trusting: World, held: Run, command: Command) -> None:
    assert command("policy", SCHOOL, "students.archive=off").status == 0
    said = command("run", "approve", held.pk)
    assert said.status == 1
    assert "Sync Settings of Lincoln High are not those under which" in " ".join(said.err.split())
    assert archived(command) == []


def test_a_newer_run_refuses_an_approval(trusting: World, held: Run, command: Command) -> None:
    trusting.night(MANY[10:], trouble="cut")
    said = command("run", "approve", held.pk)
    assert (said.status, "people have moved on" in said.err) == (1, True)


def test_a_hold_that_a_newer_run_made_moot_still_says_why_it_was(
    trusting: World, held: Run, command: Command
) -> None:
    newer = trusting.night(MANY)
    said = " ".join(command("run", "show", held.pk).out.split())
    assert "Was held: 10 of 40 students would be archived" in said
    assert (
        f"What became of it: 10 not carried out: run {newer.pk} is newer and complete, and planned anew"
        in said
    )
    assert "planned anew; no longer in the SIS for this school" in said


# --- discarding and undoing


def test_discarded_nobody_is_touched_and_the_next_run_asks_again(
    trusting: World, held: Run, command: Command
) -> None:
    said = command("run", "discard", held.pk, "--json")
    assert (said.status, said.json["state"], states(held)) == (0, "done", {"discarded": 10})
    assert archived(command) == []
    assert trusting.night(MANY[10:]).state == "held"
    again = command("run", "discard", held.pk)
    assert (again.status, f"Nothing of run {held.pk} waits" in again.err) == (1, True)


def test_a_run_is_undone_whole_or_for_some_and_only_once(
    trusting: World, held: Run, command: Command
) -> None:
    assert command("run", "approve", held.pk).status == 0
    assert command("run", "undo", held.pk, "--person", person("s00"), "--json").status == 0
    assert archived(command) == [f"s{n:02d}" for n in range(1, 10)]
    said = command("run", "undo", held.pk, "--json")
    assert (said.status, said.json["kind"]) == (0, "undo")
    assert archived(command) == []
    again = command("run", "undo", held.pk)
    assert (again.status, "changed nothing that could be undone" in again.err) == (1, True)
    assert command("run", "undo", said.json["run"]).status == 0
    assert len(archived(command)) == 9


def test_nothing_was_done_to_somebody_whose_part_is_to_be_undone(held: Run, command: Command) -> None:
    assert command("run", "approve", held.pk).status == 0
    said = command("run", "undo", held.pk, "--person", person("s39"))
    assert (said.status, "changed nothing that could be undone" in said.err) == (1, True)


# --- wrong use


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "approve", "4711"], "There is no run 4711"),
        (["run", "discard", "4711"], "There is no run 4711"),
        (["run", "undo", "4711"], "There is no run 4711"),
        (["run", "show", "first"], "Invalid value"),
        (["run", "approve", "1", "--but", "Ana"], "Invalid value"),
        (["run", "list", "Nowhere"], "There is no school Nowhere"),
        (["run", "approve"], "Missing argument"),
    ],
)
def test_wrong_use_ends_with_2(held: Run, command: Command, words: list[Any], says: str) -> None:
    said = command(*words)
    assert (said.status, said.out) == (2, "")
    assert says in " ".join(said.err.split())
