"""Whose guardians are whose, and which one is the primary contact. OneRoster has no such flag, so the choice is ranked,
the same every night, and says why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from homeroom.problems import Problem
from homeroom.sync.narrow import is_guardian
from homeroom.sync.roster import Guardian, SourcePerson

MANY = 6


@dataclass(frozen=True, slots=True)
class Family:
    """A student's guardians, ranked, the first of them primary; and what was wrong with the links."""

    guardians: tuple[Guardian, ...]
    problems: tuple[Problem, ...] = ()


def rank(student: SourcePerson, known: Mapping[str, SourcePerson], told_by: Sequence[str] = ()) -> Family:
    """The family of a student. `known` are the records of all ids named; `told_by` are guardians who name the student.

    Order: an explicit mark; parent and guardian before relative; named from both sides; place in the student's list;
    sourcedId.
    """
    problems: list[Problem] = []
    named = dict.fromkeys([*student.agents, *sorted(told_by)])
    ranked = []
    for position, sourced_id in enumerate(named):
        person = known.get(sourced_id)
        if person is None or person.leaving:
            problems.append(
                Problem("dangling_agent", "users", student.sourced_id, "agents", detail=f"id {sourced_id}")
            )
        elif not is_guardian(person):
            problems.append(
                Problem(
                    "agent_not_guardian", "users", student.sourced_id, "agents", detail=f"id {sourced_id}"
                )
            )
        else:
            ranked.append((_rank(student, person, position, set(told_by)), person))
    ranked.sort(key=lambda item: item[0])
    if len(ranked) >= MANY:
        problems.append(
            Problem("many_guardians", "users", student.sourced_id, "agents", detail=f"{len(ranked)}")
        )
    guardians = tuple(
        Guardian(person.sourced_id, number == 0, _reason(person, len(ranked)) if number == 0 else "")
        for number, (_, person) in enumerate(ranked)
    )
    return Family(guardians, tuple(problems))


def _rank(
    student: SourcePerson, person: SourcePerson, position: int, told_by: set[str]
) -> tuple[bool, bool, bool, int, str]:
    both = person.sourced_id in student.agents and person.sourced_id in told_by
    return (not person.primary_mark, not _is_close(person), not both, position, person.sourced_id)


def _is_close(person: SourcePerson) -> bool:
    return any(role.word.lower() in ("parent", "guardian") for role in person.roles)


def _reason(person: SourcePerson, count: int) -> str:
    if person.primary_mark:
        return "the SIS marks this contact as primary"
    if count == 1:
        return "the only guardian"
    return (
        "parent or guardian, first in the SIS's list"
        if _is_close(person)
        else "first relative in the SIS's list"
    )
