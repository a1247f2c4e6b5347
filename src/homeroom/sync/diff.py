"""The difference between what the roster should say of a person and what the directory says, as changes. Pure and small."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from homeroom.sync.changes import Action, Change, Subject, person_change
from homeroom.sync.guardians import without
from homeroom.sync.leaving import ELSEWHERE, GONE, in_grace, leave, may_leave, missing
from homeroom.sync.roster import (
    CONTACT_FIELDS,
    PERSON_FIELDS,
    Entry,
    Guardian,
    Membership,
    Person,
    Place,
    RoleGroup,
)
from homeroom.sync.rules import NAMES
from homeroom.sync.terms import Terms

# A source that falls silent about these may mean it; about a name or a number it never does.
MAY_BE_EMPTIED = frozenset({"email", "phone", "middle_name"})
RESTRICTED = "the SIS marks a contact as restricted; taken out whatever the policy"
OFF = "already set up; Auto update is off"
Fields = dict[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The changes for one record. Not `final`: something waits for a complete reading, so it is asked again."""

    changes: tuple[Change, ...]
    final: bool = True


def add(entry: Entry, person_id: int, how: str, terms: Terms | None = None) -> Outcome:
    """Somebody new, at each of their places. The first change makes the person, the others only memberships. Of what the
    policy keeps they have the names alone, without which they would be nobody."""
    changes = []
    kept = (terms.keeps(entry.places) if terms else frozenset()) - set(NAMES)
    for number, (place, grade) in enumerate(sorted(entry.places.items(), key=_by_place)):
        fields: Fields = {
            name: (None, entry.fields[name])
            for name in PERSON_FIELDS
            if entry.fields.get(name) and name not in kept
        }
        fields = fields if number == 0 else {}
        if grade and not (terms and "grade" in terms.keeps([place])):
            fields["grade"] = (None, grade)
        if number == 0 and entry.guardians:
            fields["guardians"] = ([], as_json(entry.guardians))
        changes.append(
            person_change(Action.ADD, person_id, entry.sourced_id, place, fields, how, new=number == 0)
        )
    return Outcome(tuple(changes))


def compare(
    entry: Entry | None,
    person: Person,
    how: str,
    terms: Terms,
    sourced_id: str,
    vouched: frozenset[Place],
    *,
    leads: bool,
    closes: bool,
    why: str = "",
    spoken: frozenset[Place] = frozenset(),
) -> Outcome:
    """A person whom the directory has. `entry` is None when the record is gone or let through nowhere, and `why` is then what
    the rules said of it, if it came.

    `vouched` are the places that other records of the same person stand for; `leads` = this record speaks for the
    person's own fields, and a record before it for the grade at the places `spoken` for; `closes` = it speaks for places that
    nobody stands for any more.
    """
    if person.excluded:
        return Outcome(tuple(_excluded(entry, person, sourced_id)))
    arriving = list(_arriving(entry, person, how, terms)) if entry else []
    updates = list(_updates(entry, person, how, terms, spoken, leads=leads)) if entry else []
    leaving: list[Change] = []
    waits = False
    if closes:
        wanted = vouched | (entry.places.keys() if entry else frozenset())
        for place in sorted(person.places, key=_place_key):
            if place not in wanted and may_leave(person, place, terms):
                waits = waits or not terms.complete
                why = ELSEWHERE if entry else why or GONE
                leaving += [leave(person, place, terms, sourced_id, why)] if terms.complete else []
    waits = waits or _guardians_wait(entry, person, terms) or any(map(in_grace, leaving))
    return Outcome((*arriving, *updates, *leaving), final=not waits)


def _excluded(entry: Entry | None, person: Person, sourced_id: str) -> Iterator[Change]:
    place = min(entry.places if entry else person.places, key=_place_key, default=None)
    if place is not None:
        yield person_change(Action.SKIP, person.id, sourced_id, place, {}, "excluded from sync by hand")


def _arriving(entry: Entry, person: Person, how: str, terms: Terms) -> Iterator[Change]:
    for place, grade in sorted(entry.places.items(), key=_by_place):
        held = person.places.get(place)
        sets_grade = grade and "grade" not in terms.keeps([place]) and not (held and held.grade == grade)
        fields: Fields = {"grade": (held.grade if held else None, grade)} if sets_grade else {}
        if held is None:
            yield person_change(Action.ADD, person.id, entry.sourced_id, place, fields, how)
        elif not held.active and held.ended_by_hand:
            yield person_change(
                Action.SKIP, person.id, entry.sourced_id, place, {}, "archived by hand; restore by hand too"
            )
        elif not held.active:
            yield person_change(Action.RESTORE, person.id, entry.sourced_id, place, fields, "back in the SIS")
        elif not held.managed:
            taken_on: Fields = {"managed": (False, True)}
            yield person_change(
                Action.SKIP, person.id, entry.sourced_id, place, taken_on, f"already set up; {how}"
            )
        elif held.missing_runs:
            found = missing(held, 0, None)
            yield person_change(
                Action.SKIP, person.id, entry.sourced_id, place, found, "in the SIS again; stays"
            )


def _updates(
    entry: Entry, person: Person, how: str, terms: Terms, spoken: frozenset[Place], *, leads: bool
) -> Iterator[Change]:
    own = _own_fields(entry, person, terms) if leads else {}
    barred = _barred(entry, person)
    active = [place for place in sorted(entry.places, key=_place_key) if _is_active(person, place)]
    carrier = next((place for place in sorted(entry.places, key=_place_key) if terms.updates(place)), None)
    carrier = carrier or (active[0] if active else None)
    for place in sorted(entry.places, key=_place_key):
        fields = dict(own) if place == carrier else {}
        held = person.places.get(place)
        if place == carrier and barred and not (terms.updates(place) and "guardians" in own):
            yield person_change(Action.UPDATE, person.id, entry.sourced_id, place, barred, RESTRICTED)
            fields.pop("guardians", None)
        grade = "" if place in spoken else entry.places[place]
        if held is not None and held.active and _grade_differs(grade, held, place, terms):
            fields["grade"] = (held.grade, grade)
        if fields and terms.updates(place):
            yield person_change(Action.UPDATE, person.id, entry.sourced_id, place, fields, how)
        elif fields and held is not None and held.active:
            why = f"already set up; {terms.off(place, 'Auto update')}"
            yield person_change(Action.SKIP, person.id, entry.sourced_id, place, fields, why)


def _grade_differs(grade: str, held: Membership, place: Place, terms: Terms) -> bool:
    return bool(grade) and held.grade != grade and "grade" not in terms.keeps([place])


def _own_fields(entry: Entry, person: Person, terms: Terms) -> Fields:
    here = [place for place, held in person.places.items() if held.active and held.managed]
    kept = person.kept | terms.keeps({*entry.places, *here})
    fields: Fields = {
        name: (person.fields.get(name, ""), value)
        for name, value in entry.fields.items()
        if _differs(name, value, person.fields.get(name, "")) and name not in kept
    }
    if entry.guardians is not None and "guardians" not in person.kept:
        before = without(person.guardians, entry.restricted)
        wanted = entry.guardians if terms.complete else _joined(before, entry.guardians)
        if _links(wanted) != _links(person.guardians):
            fields["guardians"] = (as_json(person.guardians), as_json(wanted))
    return fields


def _barred(entry: Entry, person: Person) -> Fields:
    """What takes contacts away who must not be linked: neither a switch that is off nor a choice by hand keeps them."""
    left = without(person.guardians, entry.restricted)
    if left == person.guardians:
        return {}
    return {"guardians": (as_json(person.guardians), as_json(left)), "restricted": (None, True)}


def _differs(name: str, new: str, old: str) -> bool:
    return new != old and (bool(new) or name in MAY_BE_EMPTIED)


def _links(guardians: tuple[Guardian, ...]) -> set[tuple[str, bool, str]]:
    """Whom a student is linked to, who is primary and why: a tie that the SIS has settled is a tie no more."""
    return {(one.sourced_id, one.primary, one.reason if one.primary else "") for one in guardians}


def _joined(old: tuple[Guardian, ...], new: tuple[Guardian, ...]) -> tuple[Guardian, ...]:
    """The new links, and those of the old that an incomplete reading does not mention: it takes none away."""
    mentioned = {guardian.sourced_id for guardian in new}
    kept = tuple(
        Guardian(g.sourced_id, not new and g.primary, g.reason) for g in old if g.sourced_id not in mentioned
    )
    return (*new, *kept)


def _guardians_wait(entry: Entry | None, person: Person, terms: Terms) -> bool:
    if terms.complete or entry is None or entry.guardians is None:
        return False
    return bool({g.sourced_id for g in person.guardians} - {g.sourced_id for g in entry.guardians})


def contact(
    fields: dict[str, str],
    held: dict[str, str] | None,
    kept: frozenset[str],
    contact_id: int,
    sourced_id: str,
    school: int,
    *,
    updates: bool,
) -> Change | None:
    """A guardian's own details: an Add, an Update or a Skip, or None when nothing differs."""
    if held is None:
        said: Fields = {name: (None, fields[name]) for name in CONTACT_FIELDS if fields.get(name)}
        return _contact(
            Action.ADD, contact_id, sourced_id, school, said, "guardian of a rostered student", new=True
        )
    differs: Fields = {
        name: (held.get(name, ""), fields.get(name, ""))
        for name in CONTACT_FIELDS
        if name not in kept and _differs(name, fields.get(name, ""), held.get(name, ""))
    }
    if not differs:
        return None
    action, reason = (Action.UPDATE, "linked by sourcedId") if updates else (Action.SKIP, OFF)
    return _contact(action, contact_id, sourced_id, school, differs, reason)


def same_contact(contact_id: int, sourced_id: str, school: int) -> Change:
    """Another record of a contact whom an SIS has once for each child: linked to the one there is."""
    reason = "the same contact as another record: same e-mail and name"
    return _contact(Action.SKIP, contact_id, sourced_id, school, {}, reason)


def as_json(guardians: tuple[Guardian, ...]) -> list[dict[str, Any]]:
    """Guardian links as a change keeps them."""
    return [{"sourced_id": g.sourced_id, "primary": g.primary, "reason": g.reason} for g in guardians]


def _is_active(person: Person, place: Place) -> bool:
    held = person.places.get(place)
    return held is not None and held.active


def _place_key(place: Place) -> tuple[int, str]:
    return place.school, place.group.value


def _by_place(item: tuple[Place, str]) -> tuple[int, str]:
    return _place_key(item[0])


def _contact(
    action: Action,
    contact_id: int,
    sourced_id: str,
    school: int,
    fields: Fields,
    reason: str,
    *,
    new: bool = False,
) -> Change:
    return Change(
        action, Subject.CONTACT, contact_id, sourced_id, school, RoleGroup.STUDENTS, fields, reason, new
    )
