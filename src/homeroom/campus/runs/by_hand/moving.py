"""What a merge or a split moves from one person to the other: records of the SIS, memberships, contacts. Of each row that changes
a note is taken of what it was and became, so that it can be put back."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from homeroom.campus.connections.models import SourceRecord
from homeroom.campus.people.models import ContactLink, Membership, Person

Notes = list[dict[str, Any]]


def move_records(records: Iterable[SourceRecord], to: Person) -> list[int]:
    """Has records mean another person."""
    ids = [record.pk for record in records]
    SourceRecord.objects.filter(pk__in=ids).update(person=to)
    return ids


def look_again(*people: Person) -> None:
    """The next sync looks at all records of these anew: another one may speak for them now, or stand for a place alone."""
    SourceRecord.objects.filter(person__in=people).update(decided_under=None)


def stands_for(records: Iterable[SourceRecord]) -> set[str]:
    """The places that records stand for, as words."""
    return {place for record in records for place in record.places}


# --- memberships


def word(row: Membership) -> str:
    """The place of a membership, as records name it."""
    return f"{row.school_id}:{row.group}"


def move_memberships(gone: Person, keep: Person, now: datetime) -> Notes:
    """Every membership becomes that of the one kept. Where both have one at a place it stays two rows: the one kept is opened if
    either was open, the other ended."""
    held = {word(m): m for m in keep.memberships.select_for_update()}
    notes: Notes = []
    for row in gone.memberships.select_for_update():
        other = held.get(word(row))
        notes += [_note(row, {"person_id": keep.pk})] if other is None else _joined(row, other, now)
    return notes


def _joined(row: Membership, other: Membership, now: datetime) -> Notes:
    """Two memberships at one place: `row` of the one who goes, `other` of the one who is kept."""
    if row.ended_at is not None:
        by_hand = row.ended_by_hand and other.ended_at is not None and not other.ended_by_hand
        return [_note(other, {"ended_by_hand": True})] if by_hand else []  # no sync opens what a hand closed
    notes: Notes = []
    if other.ended_at is not None:
        opened = {"ended_at": None, "ended_by_hand": False, "managed_by": row.managed_by, "grade": row.grade}
        notes.append(_note(other, opened))
    return [*notes, _note(row, {"ended_at": now, "ended_by_hand": True})]


def part_memberships(held: Person, new: Person, theirs: set[str], stay: set[str], now: datetime) -> Notes:
    """Who stands for a place has it: the new one those of their records, the other keeps what the rest stands for. A place for
    which both stand is both's, open or ended as it was."""
    notes: Notes = []
    for row in held.memberships.select_for_update():
        if word(row) in theirs - stay:
            notes.append(_note(row, {"person_id": new.pk}))
        elif word(row) in theirs:
            Membership.objects.create(
                district_id=row.district_id, person=new, school_id=row.school_id, group=row.group, grade=row.grade,
                started_at=now, ended_at=row.ended_at, ended_by_hand=row.ended_by_hand, managed_by=row.managed_by,
            )  # fmt: skip
    return notes


def stand_again(keep: Person, before: Iterable[Membership], since: set[str], now: datetime) -> None:
    """Whoever's own record came to stand for a place while two were one does not lose it when they are two again: the places
    `since`, of the memberships as they were `before` the merge was taken back."""
    for row in before:
        if row.ended_at is None and word(row) in since:
            values = {
                "ended_at": None,
                "ended_by_hand": False,
                "managed_by": row.managed_by,
                "grade": row.grade,
            }
            new = {"district_id": row.district_id, "started_at": now, **values}
            Membership.objects.update_or_create(
                values, new, person=keep, school_id=row.school_id, group=row.group
            )


# --- contacts


def move_links(gone: Person, keep: Person, now: datetime) -> Notes:
    """Every contact becomes one of the person kept. A contact of both stays one; the primary contact stays that of the one kept,
    where they have one."""
    held = {link.contact_id: link for link in keep.contact_links.select_for_update()}
    has_primary = any(link.primary and link.ended_at is None for link in held.values())
    notes: Notes = []
    for row in gone.contact_links.select_for_update():
        other = held.get(row.contact_id)
        primary = row.primary and not has_primary
        if other is None:
            notes.append(_note(row, {"person_id": keep.pk, "primary": primary}))
        elif row.ended_at is None:
            notes.append(_note(row, {"ended_at": now, "primary": False}))
            if other.ended_at is not None or primary:
                notes.append(
                    _note(
                        other,
                        {"ended_at": None, "primary": primary or other.primary, "managed_by": row.managed_by},
                    )
                )
    return notes


def part_links(held: Person, new: Person, chosen: list[SourceRecord], rest: list[SourceRecord]) -> Notes:
    """The contacts whom only the chosen records name go with them."""
    named = _contacts_of(chosen) - _contacts_of(rest)
    links = held.contact_links.select_for_update().filter(contact__in=named)
    return [_note(row, {"person_id": new.pk}) for row in links]


def _contacts_of(records: Sequence[SourceRecord]) -> set[int]:
    agents = [agent for record in records for agent in record.agents]
    sources = {record.connection_id for record in records}
    found = SourceRecord.objects.filter(connection__in=sources, sourced_id__in=agents, contact__isnull=False)
    return {id_ for id_ in found.values_list("contact", flat=True) if id_ is not None}


# --- notes


def _note(row: Membership | ContactLink, after: dict[str, Any]) -> dict[str, Any]:
    """Changes a row, and what is needed to change it back."""
    before = {name: getattr(row, name) for name in after}
    for name, value in after.items():
        setattr(row, name, value)
    row.save(update_fields=[name.removesuffix("_id") for name in after])
    return {"id": row.pk, "before": _plain(before), "after": _plain(after)}


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: v.isoformat() if isinstance(v, datetime) else v for name, v in values.items()}


def put_back(model: type[Membership] | type[ContactLink], notes: Notes, keep: Person) -> None:
    """Rows as they were, but for what somebody changed since: a membership ended since stays ended."""
    for noted in reversed(notes):
        row = model.objects.filter(pk=noted["id"]).first()
        if row is None or ("person_id" in noted["after"] and row.person_id != keep.pk):
            continue
        for name, value in noted["before"].items():
            if _plain({name: getattr(row, name)})[name] == noted["after"][name]:
                setattr(row, name, datetime.fromisoformat(value) if name == "ended_at" and value else value)
        if isinstance(row, ContactLink):
            row.primary = row.primary and not _has_another_primary(row)
        row.save()


def _has_another_primary(row: ContactLink) -> bool:
    others = ContactLink.objects.filter(person=row.person_id, primary=True, ended_at=None)
    return others.exclude(pk=row.pk).exists()
