"""A change: one thing a plan means to do to one person or contact at one school, with before and after.

Changes are what a plan saves, what a page shows, what history keeps and what undo reads backwards.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from homeroom.sync.roster import Place, RoleGroup


class Action(StrEnum):
    ADD = "add"
    UPDATE = "update"
    RESTORE = "restore"
    ARCHIVE = "archive"
    SKIP = "skip"
    RELINK = "relink"  # the same person or contact under a new sourcedId: "sourced_id" in `fields` holds both


class Subject(StrEnum):
    PERSON = "person"
    CONTACT = "contact"


class State(StrEnum):
    PLANNED = "planned"
    HELD = "held"
    APPLIED = "applied"
    DISCARDED = "discarded"
    UNDONE = "undone"
    PREVIEWED = "previewed"  # what settings would do if they were saved; never carried out


@dataclass(frozen=True, slots=True)
class Change:
    """`fields` maps a name to (before, after). Names: those of PERSON_FIELDS, "grade", "guardians".

    `subject_id` is the person's or contact's id; an Add of somebody new carries the id they will get. `school` and
    `group` are None only for a contact. "guardians" holds lists of {sourced_id, primary, reason}.
    """

    action: Action
    subject: Subject
    subject_id: int
    sourced_id: str
    school: int | None
    group: RoleGroup | None
    fields: dict[str, tuple[Any, Any]]
    reason: str
    new: bool = False  # an Add that makes the person or contact, not only a membership


def person_change(
    action: Action,
    person_id: int,
    sourced_id: str,
    place: Place,
    fields: dict[str, tuple[Any, Any]],
    reason: str,
    *,
    new: bool = False,
) -> Change:
    """A change of a person at a place."""
    return Change(
        action, Subject.PERSON, person_id, sourced_id, place.school, place.group, fields, reason, new
    )
