"""A change: one thing a plan means to do to one person or contact at one school, with before and after.

Changes are what a plan saves, what a page shows, what history keeps and what undo reads backwards.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from homeroom.sync.roster import RoleGroup


class Action(StrEnum):
    ADD = "add"
    UPDATE = "update"
    RESTORE = "restore"
    ARCHIVE = "archive"
    SKIP = "skip"


class Subject(StrEnum):
    PERSON = "person"
    CONTACT = "contact"


class State(StrEnum):
    PLANNED = "planned"
    HELD = "held"
    APPLIED = "applied"
    DISCARDED = "discarded"
    UNDONE = "undone"


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
