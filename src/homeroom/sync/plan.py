"""A plan as a thing that is kept: changes as plain JSON, whether one still holds, and what carrying it out means.

`apply` is the meaning of each change, on a plain dictionary of people: the laws are tried on it, and the database must
come to the same.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from homeroom.sync.changes import Action, Change, Subject
from homeroom.sync.roster import PERSON_FIELDS, Guardian, Membership, Person, Place, RoleGroup

Directory = dict[int, Person]


def to_json(change: Change) -> dict[str, Any]:
    """A change as plain values."""
    return {
        "action": change.action.value,
        "subject": change.subject.value,
        "subject_id": change.subject_id,
        "sourced_id": change.sourced_id,
        "school": change.school,
        "group": change.group.value if change.group else None,
        "fields": {name: [before, after] for name, (before, after) in change.fields.items()},
        "reason": change.reason,
        "new": change.new,
    }


def from_json(said: dict[str, Any]) -> Change:
    """The change again."""
    return Change(
        action=Action(said["action"]),
        subject=Subject(said["subject"]),
        subject_id=said["subject_id"],
        sourced_id=said["sourced_id"],
        school=said["school"],
        group=RoleGroup(said["group"]) if said["group"] else None,
        fields={name: (before, after) for name, (before, after) in said["fields"].items()},
        reason=said["reason"],
        new=said["new"],
    )


def still_holds(change: Change, person: Person | None) -> bool:
    """Whether a planned change still starts from what is there: nobody edited the fields it means to change."""
    if change.new or person is None:
        return change.new and person is None
    return all(
        person.fields.get(name, "") == (before or "")
        for name, (before, _) in change.fields.items()
        if name in PERSON_FIELDS
    )


def apply(directory: Directory, changes: Iterable[Change]) -> Directory:
    """The directory after the changes. Nobody is ever taken out of it."""
    people = dict(directory)
    for change in changes:
        if change.subject is Subject.PERSON:
            person = people.get(change.subject_id) or Person(
                change.subject_id, dict.fromkeys(PERSON_FIELDS, "")
            )
            people[change.subject_id] = _applied(person, change)
    return people


def _applied(person: Person, change: Change) -> Person:
    assert change.school is not None and change.group is not None  # noqa: S101 # people's changes have a place
    if change.action is Action.RELINK:
        return person  # whom a record means is no part of a person
    place = Place(change.school, change.group)
    held = person.places.get(place, Membership(active=False, managed=False))
    if change.action is Action.SKIP:
        return (
            replace(person, places={**person.places, place: _noted(held, change)}) if held.active else person
        )
    if change.action is Action.ARCHIVE:
        gone = replace(held, active=False, missing_runs=0, missing_since=None)
        return replace(person, places={**person.places, place: gone})
    own = {name: after for name, (_, after) in change.fields.items() if name in PERSON_FIELDS}
    grade = change.fields["grade"][1] if "grade" in change.fields else held.grade
    arrives = change.action in (Action.ADD, Action.RESTORE)
    membership = Membership(grade, active=True, managed=True) if arrives else replace(held, grade=grade)
    guardians = person.guardians
    if "guardians" in change.fields:
        guardians = tuple(Guardian(**said) for said in change.fields["guardians"][1])
    return replace(
        person,
        fields={**person.fields, **own},
        places={**person.places, place: membership},
        guardians=guardians,
    )


def _noted(held: Membership, change: Change) -> Membership:
    """What a Skip leaves behind: whose care a membership is in, and how long its person has been missing."""
    if "managed" in change.fields:
        held = replace(held, managed=True)
    if "missing_runs" in change.fields:
        since = change.fields["missing_since"][1]
        since = date.fromisoformat(since) if since else None
        held = replace(held, missing_runs=change.fields["missing_runs"][1], missing_since=since)
    return held
