"""Sync Settings by commands alone: each setting is set by its word and does what it says, and each wrong word is told."""

from dataclasses import replace
from typing import Any

import pytest

from homeroom.campus.connections.models import Connection, RosterLink
from homeroom.campus.connections.policy_names import OTHERS, POLICY
from homeroom.campus.people.models import ContactLink
from tests.campus.world import World
from tests.cli.conftest import Command
from tests.invented import LINCOLN, adult, family, student
from tests.program import Said

SCHOOL = "Lincoln High"
FREE = ("hold.percent=none", "hold.count=none")
MANY = [student(f"s{number:02d}", grade="12" if number < 10 else "09") for number in range(40)]


def people(command: Command, *options: str) -> dict[str, dict[str, Any]]:
    """The people whom the command lists, by number or e-mail's first part."""
    said = command("people", SCHOOL, *options, "--json").json["people"]
    return {one["sourced_id"]: one for one in said}


def set_to(command: Command, *words: str) -> None:
    assert command("policy", SCHOOL, *words).status == 0


def held(command: Command, run: Any) -> list[str]:
    """The reasons of a run's holds, as the command that shows it has them."""
    return [hold["reason"] for hold in command("run", "show", run.pk, "--json").json["held"].get("holds", ())]


# --- what each setting does


@pytest.mark.parametrize("group", ["students", "teachers", "staff", "admins"])
def test_each_role_group_comes_in_when_it_is_on(trusting: World, command: Command, group: str) -> None:
    told = [student("a"), adult("t"), adult("p", "aide"), adult("b", "principal")]
    everybody = {"students": "a", "teachers": "t", "staff": "p", "admins": "b"}
    set_to(command, *(f"{one}={'on' if one == group else 'off'}" for one in everybody))
    trusting.night(told)
    assert list(people(command)) == [everybody[group]]
    assert list(people(command, "--role", group)) == [everybody[group]]


def test_auto_update_and_archive_off_leave_people_as_they_are_and_on_they_do_not(
    trusting: World, command: Command
) -> None:
    set_to(command, *FREE, "students.auto_update=off", "students.archive=off")
    trusting.night([student("a"), student("b")])
    for switch, grades, archived in (("off", "09", []), ("on", "10", ["b"])):
        set_to(command, f"students.auto_update={switch}", f"students.archive={switch}")
        trusting.night([student("a", grade="10")])
        assert people(command)["a"]["grade"] == grades
        assert list(people(command, "--archived")) == archived


def test_kept_fields_are_not_set(trusting: World, command: Command) -> None:
    set_to(command, "students.keep=email,grade")
    trusting.night([student("a")])
    assert (people(command)["a"]["email"], people(command)["a"]["grade"]) == ("", "")


def test_parents_bring_the_primary_contact(trusting: World, command: Command) -> None:
    told = family(student("a"), guardians=[adult("g", "parent", given_name="Rosa")])
    set_to(command, "parents=off")
    trusting.night(told)
    assert not ContactLink.objects.exists()
    set_to(command, "parents=on")
    trusting.night(told)
    assert people(command)["a"]["primary_contact"]["name"] == "Rosa Stone g"


def test_own_rules_make_staff_of_some_and_leave_others_out(trusting: World, command: Command) -> None:
    set_to(command, "rules=role: administrator & title: Lunch > staff; grade: PK > out")
    trusting.night(
        [
            adult("l", "administrator", title="Lunch lead"),
            adult("p", "administrator"),
            student("k", grade="PK"),
        ]
    )
    assert list(people(command, "--role", "staff")) == ["l"]
    assert list(people(command, "--role", "admins")) == ["p"]
    assert "rule 2 (grade: PK > out)" in command("why-not", SCHOOL, "n-k").out


def test_grace_waits_so_many_complete_syncs_and_days(trusting: World, command: Command) -> None:
    set_to(command, *FREE, "grace.runs=2", "grace.days=3")
    trusting.night(MANY)
    for _ in range(3):
        trusting.night(MANY[1:])
        assert list(people(command, "--archived")) == []
    assert "leaving soon: absent from 3 complete syncs" in command("why-not", SCHOOL, "n-s00").out
    trusting.night(MANY[1:])
    assert list(people(command, "--archived")) == ["s00"]


def test_in_a_pause_nobody_moves_and_afterwards_everybody_does(trusting: World, command: Command) -> None:
    set_to(command, *FREE, "pause=2020-01-01..2090-01-01")
    trusting.night(MANY)
    assert people(command) == {}
    assert "paused until 2090-01-01" in command("why-not", SCHOOL, "n-s00").out
    set_to(command, "pause=none")
    trusting.night(MANY)
    assert len(people(command)) == 40


def test_in_a_time_of_additions_only_people_come_and_nobody_goes_or_changes(
    trusting: World, command: Command
) -> None:
    set_to(command, *FREE)
    trusting.night(MANY)
    set_to(command, "additions_only=2020-01-01..2090-01-01")
    run = trusting.night([replace(MANY[1], grade="11"), *MANY[2:], student("new")])
    assert (run.counts["add"], run.counts["update"], run.counts["archive"]) == (1, 0, 0)
    assert "additions only until 2090-01-01" in command("run", "show", run.pk).out
    set_to(command, "additions_only=none")
    assert trusting.night([replace(MANY[1], grade="11"), *MANY[2:], student("new")]).counts["archive"] == 1


@pytest.mark.parametrize(
    ("words", "night", "reason"),
    [
        (["hold.percent=none", "hold.count=2"], MANY[3:], "3 of 40 students would be archived"),
        (["hold.count=none", "hold.percent=5"], MANY[3:], "3 of 40 students would be archived"),
        (["hold.add.count=1"], [*MANY, student("n1"), student("n2")], "2 students would be added"),
        (["hold.add.percent=4"], [*MANY, student("n1"), student("n2")], "2 students would be added"),
        (["hold.update.count=0"], [replace(MANY[0], grade="11"), *MANY[1:]], "1 of 40 students would be changed"),
        (["hold.update.percent=2"], [replace(MANY[0], grade="11"), *MANY[1:]], "1 of 40 students would be changed"),
        ([*FREE, "students.hold.count=2"], MANY[3:], "3 of 40 students would be archived"),
        ([*FREE, "students.hold.percent=5"], MANY[3:], "3 of 40 students would be archived"),
        (["students.hold.add.count=0"], [*MANY, student("n1")], "1 student would be added"),
        (["students.hold.update.count=0"], [replace(MANY[0], grade="11"), *MANY[1:]], "1 of 40 students would be changed"),
        ([*FREE, "teachers.hold.count=2"], MANY[3:], ""),
        ([*FREE], MANY[3:], ""),
        (["hold.count=none", "hold.percent=5", "hold.small=41"], MANY[3:], ""),
    ],
)  # fmt: skip
def test_what_is_over_a_limit_waits_with_its_numbers(
    trusting: World, command: Command, words: list[str], night: list[Any], reason: str
) -> None:
    trusting.night(MANY)
    set_to(command, *words)
    reasons = held(command, trusting.night(night))
    assert (reason in reasons[0]) if reason else not reasons


def test_the_end_of_the_year_tells_graduates(trusting: World, command: Command) -> None:
    set_to(command, "year.end=05-29")
    trusting.night(MANY)
    run = trusting.night(MANY[10:])
    assert "10 of 10 are in grade 12" in command("run", "show", run.pk).out


def test_matching_by_another_sign(trusting: World, command: Command) -> None:
    trusting.district.people.create(given_name="Ana", number="n-a")
    set_to(command, "matching=email")
    trusting.night([student("a")])
    assert trusting.district.people.count() == 2
    set_to(command, "matching=email,number")
    trusting.district.people.create(given_name="Bo", number="n-b")
    trusting.night([student("a"), student("b")])
    assert trusting.district.people.count() == 3


def test_when_it_syncs_and_whom_it_tells(trusting: World, command: Command) -> None:
    set_to(command, "enabled=on", "time=03:15", "notify=R.Diaz@lincoln.example,b@lincoln.example")
    connection = Connection.objects.get()
    assert connection.next_run_at is not None
    assert connection.next_run_at.astimezone().minute == 15
    assert RosterLink.objects.get(school=trusting.lincoln).notify == [
        "r.diaz@lincoln.example",
        "b@lincoln.example",
    ]
    set_to(command, "enabled=off", "notify=")
    assert Connection.objects.get().next_run_at is None


# --- showing, previewing, history


def test_every_setting_is_shown_and_its_word_sets_it_again(trusting: World, command: Command) -> None:
    said = command("policy", SCHOOL, "--json").json
    assert said.keys() == {*POLICY, *OTHERS}
    set_to(command, "grace.runs=4", "approve.second=50", "students.hold.percent=7.5")
    said = command("policy", SCHOOL, "--json").json
    assert (said["grace.runs"], said["approve.second"], said["students.hold.percent"]) == (4, 50, 7.5)
    shown = command("policy", SCHOOL).out
    assert "students.hold.percent" in shown
    assert "teachers.hold.percent" not in shown  # what is not set for one role group is left out


def test_history_tells_who_and_what_and_roll_back_brings_it_back(trusting: World, command: Command) -> None:
    set_to(command, "students.archive=off")
    set_to(command, "grace.runs=3", "students.archive=on")
    versions = command("policy", SCHOOL, "--history", "--json").json["versions"]
    assert versions[0]["changed"] == {"grace.runs": ["1", "3"], "students.archive": ["off", "on"]}
    assert "grace.runs: 1 → 3" in command("policy", SCHOOL, "--history").out
    assert command("policy", SCHOOL, "--roll-back", versions[1]["version"]).status == 0
    said = command("policy", SCHOOL, "--json").json
    assert (said["grace.runs"], said["students.archive"]) == (1, False)
    assert "rolled back" in str(command("policy", SCHOOL, "--history", "--json").json["versions"][0])


def test_a_preview_counts_and_saves_nothing(trusting: World, command: Command) -> None:
    trusting.night([*MANY, adult("j", "janitor", org=LINCOLN)])
    before = command("policy", SCHOOL, "--json").json
    said = command(
        "policy", SCHOOL, "--preview", "rules=role: janitor > staff", "hold.add.count=0", "--json"
    ).json
    assert (said["preview"]["staff"], said["note"]) == ({"add": 1}, "")
    assert said["waits"] and said["changes"]
    assert (
        "Would wait for a person"
        in command("policy", SCHOOL, "--preview", "rules=role: janitor > staff", "hold.add.count=0").out
    )
    assert command("policy", SCHOOL, "--json").json == before
    assert list(people(command, "--role", "staff")) == []


# --- wrong use


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["students"], "“students” is not a setting. Write it as name=value"),
        (["grace.runs=0"], "grace.runs is a number from 1 to 100, not “0”"),
        (["grace.days=many"], "grace.days is a number from 0 to 365, not “many”"),
        (["pause=soon"], "pause is first..last, days such as 2026-12-21, not “soon”"),
        (["pause=2026-12-31..2026-12-01"], "pause: 2026-12-01 is before 2026-12-31"),
        (["additions_only=2026-02-30"], "additions_only is first..last"),
        (["rules=title: Lunch"], "A rule ends with > and one of"),
        (["rules=shoe: 42 > staff"], "A rule says role, title, grade or school"),
        (["rules=school: nearest > out"], "school is main or other"),
        (["students.keep=shoe"], "students.keep lists fields out of"),
        (["hold.percent=101"], "hold.percent is a number from 0 to 100"),
        (["hold.add.count=-1"], "hold.add.count is a number from 0 to"),
        (["students.hold.update.count=x"], "students.hold.update.count is a number from 0 to"),
        (["hold.small=none"], "hold.small is a number from 0 to"),
        (["approve.second=two"], "approve.second is a number from 0 to"),
        (["year.end=13-40"], "year.end is a month and day such as 06-12"),
        (["matching=name"], "matching is none, or number and email in the order that you want"),
        (["students.auto_update=maybe"], "students.auto_update is on or off"),
        (["--roll-back", "99"], "There is no version 99"),
        (["--preview", "grace.runs=0"], "grace.runs is a number from 1 to 100"),
        (["--preview", "students=on"], "Nothing has been read from the SIS yet"),
    ],
)
def test_a_wrong_word_is_told_and_nothing_is_changed(
    trusting: World, command: Command, words: list[str], says: str
) -> None:
    before = command("policy", SCHOOL, "--json").json
    said = command("policy", SCHOOL, *words)
    assert (said.status, said.out) == (1 if "Nothing has been read" in says else 2, "")
    assert says in unwrapped(said)
    assert "→" in said.err
    assert command("policy", SCHOOL, "--json").json == before


def test_a_school_that_is_not_there_or_not_connected(trusting: World, command: Command) -> None:
    assert (command("policy", "Nowhere").status, command("why-not", "Nowhere", "Ana").status) == (2, 2)
    RosterLink.objects.filter(school=trusting.oakwood).delete()
    said = command("policy", "Oakwood", "students=on")
    assert (said.status, "is not connected to an SIS" in said.err) == (2, True)


def unwrapped(said: Said) -> str:
    """What was said, without the line breaks of a narrow terminal."""
    return " ".join(said.err.split())
