"""Matching: whom of the directory a record means. Never by name.

By link first; else by number, a student's against students and a staff member's against adults; else by an e-mail that only
one person has. Anything else is somebody new, or, when signs disagree, nobody's to decide but a person's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from homeroom.problems import Problem
from homeroom.sync.roster import Entry, Person, RoleGroup


@dataclass(frozen=True, slots=True)
class Candidates:
    """Who in the directory could be meant: linked to the record, of the same number, of the same e-mail.

    `email_shared` = the e-mail stands on several records of this reading, so it recognises nobody.
    `taken` = ids of people whom another live record of this connection already means.
    """

    linked: Person | None = None
    by_number: Sequence[Person] = ()
    by_email: Sequence[Person] = ()
    email_shared: bool = False
    taken: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Match:
    """The person meant, or None for somebody new; `how` in words; a problem when nobody may be chosen."""

    person: Person | None
    how: str
    problem: Problem | None = None


def is_student(places: object) -> bool:
    """Whether places (of an entry or a person) hold a student's."""
    return any(place.group is RoleGroup.STUDENTS for place in places)  # type: ignore[attr-defined]


def match(entry: Entry, known: Candidates) -> Match:
    """The decision for one record."""
    if known.linked is not None:
        return Match(known.linked, "linked by sourcedId")
    student = is_student(entry.places)
    by_number = [person for person in known.by_number if _same_kind(person, student=student)]
    by_email = (
        [] if known.email_shared else [person for person in known.by_email if person.id not in known.taken]
    )
    found = {person.id: person for person in (*by_number, *by_email)}
    if len(by_number) > 1 or len(found) > 1:
        return Match(None, "fits several people", _contested(entry, len(found)))
    if by_number:
        return Match(by_number[0], f"matched by {'student' if student else 'staff'} number")
    if by_email:
        if _numbers_differ(entry, by_email[0]):
            return Match(None, "e-mail of one, number of another", _contested(entry, 1))
        return Match(by_email[0], "matched by e-mail")
    return Match(None, "new")


def _same_kind(person: Person, *, student: bool) -> bool:
    # Student and staff numbers may be dealt out apart, so that one number means two people.
    return not person.places or is_student(person.places) is student


def _numbers_differ(entry: Entry, person: Person) -> bool:
    ours, theirs = entry.fields.get("number", ""), person.fields.get("number", "")
    return bool(ours and theirs and ours != theirs)


def _contested(entry: Entry, people: int) -> Problem:
    said = (
        f"{people} people share its number or e-mail"
        if people > 1
        else "its e-mail is that of a person with another number"
    )
    return Problem("ambiguous_match", "users", entry.sourced_id, detail=said)
