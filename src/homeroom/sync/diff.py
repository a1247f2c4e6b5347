"""The difference between what the roster should say of a person and what the directory says, as changes. Pure and small."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from homeroom.sync.changes import Action, Change, Subject
from homeroom.sync.roster import CONTACT_FIELDS, PERSON_FIELDS, Entry, Guardian, Person, Place, RoleGroup
from homeroom.sync.rules import Policy

# A source that falls silent about these may mean it; about a name or a number it never does.
MAY_BE_EMPTIED = frozenset({"email", "phone", "middle_name"})
OFF = "already set up; Auto update is off"
Fields = dict[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Terms:
    """What the decisions of one run stand on: each school's policy, and whether the reading was complete."""

    policies: Mapping[int, Policy]
    complete: bool

    def rosters(self, place: Place) -> bool:
        """Whether a place is ours to keep in step."""
        policy = self.policies.get(place.school)
        return policy is not None and policy.of(place.group).roster

    def updates(self, place: Place) -> bool:
        """Whether people already set up at a place may be changed."""
        return self.policies[place.school].of(place.group).auto_update

    def archives(self, place: Place) -> bool:
        """Whether those who left a place may be archived."""
        return self.policies[place.school].of(place.group).archive


@dataclass(frozen=True, slots=True)
class Outcome:
    """The changes for one record. Not `final`: something waits for a complete reading, so it is asked again."""

    changes: tuple[Change, ...]
    final: bool = True


def add(entry: Entry, person_id: int, how: str) -> Outcome:
    """Somebody new, at each of their places. The first change makes the person, the others only memberships."""
    changes = []
    for number, (place, grade) in enumerate(sorted(entry.places.items(), key=_by_place)):
        fields: Fields = {
            name: (None, entry.fields[name]) for name in PERSON_FIELDS if entry.fields.get(name)
        }
        fields = fields if number == 0 else {}
        if grade:
            fields["grade"] = (None, grade)
        if number == 0 and entry.guardians:
            fields["guardians"] = ([], as_json(entry.guardians))
        changes.append(_change(Action.ADD, person_id, entry.sourced_id, place, fields, how, new=number == 0))
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
) -> Outcome:
    """A person whom the directory has. `entry` is None when the record is gone or let through nowhere.

    `vouched` are the places that other records of the same person stand for; `leads` = this record speaks for the
    person's own fields, and for places that nobody stands for any more.
    """
    if person.excluded:
        return Outcome(tuple(_excluded(entry, person, sourced_id)))
    arriving = list(_arriving(entry, person, how)) if entry else []
    updates = list(_updates(entry, person, how, terms, leads=leads)) if entry else []
    leaving: list[Change] = []
    waits = False
    if leads:
        wanted = vouched | (entry.places.keys() if entry else frozenset())
        for place in sorted(person.places, key=_place_key):
            if place not in wanted and _may_leave(person, place, terms):
                waits = waits or not terms.complete
                leaving += [_leave(person, place, terms, sourced_id, entry)] if terms.complete else []
    waits = waits or _guardians_wait(entry, person, terms)
    return Outcome((*arriving, *updates, *leaving), final=not waits)


def _excluded(entry: Entry | None, person: Person, sourced_id: str) -> Iterator[Change]:
    place = min(entry.places if entry else person.places, key=_place_key, default=None)
    if place is not None:
        yield _change(Action.SKIP, person.id, sourced_id, place, {}, "excluded from sync by hand")


def _arriving(entry: Entry, person: Person, how: str) -> Iterator[Change]:
    for place, grade in sorted(entry.places.items(), key=_by_place):
        held = person.places.get(place)
        fields: Fields = {"grade": (held.grade if held else None, grade)} if grade else {}
        if held is None:
            yield _change(Action.ADD, person.id, entry.sourced_id, place, fields, how)
        elif not held.active and held.ended_by_hand:
            yield _change(
                Action.SKIP, person.id, entry.sourced_id, place, {}, "archived by hand; restore by hand too"
            )
        elif not held.active:
            yield _change(Action.RESTORE, person.id, entry.sourced_id, place, fields, "back in the SIS")
        elif not held.managed:
            taken_on: Fields = {"managed": (False, True)}
            yield _change(Action.SKIP, person.id, entry.sourced_id, place, taken_on, f"already set up; {how}")


def _updates(entry: Entry, person: Person, how: str, terms: Terms, *, leads: bool) -> Iterator[Change]:
    own = _own_fields(entry, person, terms) if leads else {}
    active = [place for place in sorted(entry.places, key=_place_key) if _is_active(person, place)]
    carrier = next((place for place in sorted(entry.places, key=_place_key) if terms.updates(place)), None)
    carrier = carrier or (active[0] if active else None)
    for place in sorted(entry.places, key=_place_key):
        fields = dict(own) if place == carrier else {}
        held = person.places.get(place)
        if held is not None and held.active and entry.places[place] and held.grade != entry.places[place]:
            fields["grade"] = (held.grade, entry.places[place])
        if fields and terms.updates(place):
            yield _change(Action.UPDATE, person.id, entry.sourced_id, place, fields, how)
        elif fields and held is not None and held.active:
            yield _change(Action.SKIP, person.id, entry.sourced_id, place, fields, OFF)


def _own_fields(entry: Entry, person: Person, terms: Terms) -> Fields:
    fields: Fields = {
        name: (person.fields.get(name, ""), value)
        for name, value in entry.fields.items()
        if _differs(name, value, person.fields.get(name, "")) and name not in person.kept
    }
    if entry.guardians is not None and "guardians" not in person.kept:
        wanted = entry.guardians if terms.complete else _joined(person.guardians, entry.guardians)
        if _links(wanted) != _links(person.guardians):
            fields["guardians"] = (as_json(person.guardians), as_json(wanted))
    return fields


def _differs(name: str, new: str, old: str) -> bool:
    return new != old and (bool(new) or name in MAY_BE_EMPTIED)


def _links(guardians: tuple[Guardian, ...]) -> set[tuple[str, bool]]:
    return {(guardian.sourced_id, guardian.primary) for guardian in guardians}


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


def _may_leave(person: Person, place: Place, terms: Terms) -> bool:
    held = person.places[place]
    return held.active and held.managed and terms.rosters(place)


def _leave(person: Person, place: Place, terms: Terms, sourced_id: str, entry: Entry | None) -> Change:
    why = "the SIS now has this person elsewhere" if entry else "no longer in the SIS for this school"
    if person.protected:
        return _change(
            Action.SKIP, person.id, sourced_id, place, {}, f"{why}; kept: an Owner or District Manager"
        )
    if not terms.archives(place):
        return _change(Action.SKIP, person.id, sourced_id, place, {}, f"{why}; kept: Archive is off")
    return _change(Action.ARCHIVE, person.id, sourced_id, place, {}, why)


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


def _change(
    action: Action,
    person_id: int,
    sourced_id: str,
    place: Place,
    fields: Fields,
    reason: str,
    *,
    new: bool = False,
) -> Change:
    return Change(
        action, Subject.PERSON, person_id, sourced_id, place.school, place.group, fields, reason, new
    )


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
