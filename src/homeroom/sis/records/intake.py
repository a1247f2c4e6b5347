"""Taking records in: completed by what the other ends of their links tell and by their parts, and stored with what was told.

Whatever takes in goes this way: a set that is loaded, a district that moves on. The time and memory of a delta follow the delta.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from django.db import transaction
from msgspec.structs import replace

from homeroom.oneroster import records as r
from homeroom.oneroster.bulk.parts import Part, Parts
from homeroom.oneroster.shapes import KINDS
from homeroom.sis.records.links import Links, keep
from homeroom.sis.records.parts import keep_parts, with_stored
from homeroom.sis.records.store import Mode, Progress, be_alone, store, stored

_PARENTS = ("orgs", "academicSessions")
_LINKED = ("users", *_PARENTS)


@dataclass(slots=True)
class Intake:
    """What is to be taken in, as a first look over it found: how each kind comes, and what rows have to do with each other.

    `whole` are the tables of parts that are told completely; `of_parts` the users whose roles are rows of their own, the
    others' being in their records.
    """

    modes: dict[str, Mode]
    whole: set[str] = field(default_factory=set)
    links: Links = field(default_factory=Links)
    parts: Parts = field(default_factory=Parts)
    of_parts: set[str] = field(default_factory=set)
    ids: dict[str, set[str]] = field(default_factory=dict)  # by kind, of the kinds that have links
    gone: dict[str, set[str]] = field(default_factory=dict)  # by kind, those to be deleted

    def add(self, record: r.Record, *, in_parts: bool = False) -> None:
        """Notes a record. Of two with one sourcedId the last counts."""
        kind = KINDS[type(record)]
        if kind in _LINKED:
            self.ids.setdefault(kind, set()).add(record.sourced_id)
        gone = self.gone.setdefault(kind, set())
        (gone.discard if record.status == "active" else gone.add)(record.sourced_id)
        self.links.add(record)
        if in_parts:
            self.of_parts.add(record.sourced_id)

    def add_part(self, part: Part) -> None:
        """Notes a part of a user."""
        self.parts.add(part)


def take_in(
    intake: Intake, records: Iterable[r.Record], now: datetime, progress: Progress | None = None
) -> None:
    """Stores all records, or on any error none. `records` are those that `intake` has noted."""
    with transaction.atomic():
        be_alone()
        near = intake.links.look_around() if intake.modes.get("users", Mode.DELTA) is Mode.DELTA else set()
        if intake.of_parts or intake.parts.by_user:
            intake.parts = with_stored(intake.parts, intake.whole, intake.of_parts)
        above = [one for kind in _PARENTS for one in _above(intake, kind)]
        said = chain(_said(intake, records), _beside(intake, near), _changed(intake, above))
        store(said, intake.modes, now, progress)
        _keep(intake)


def take_in_complete(
    intake: Intake, records: Iterable[r.Record], now: datetime, progress: Progress | None = None
) -> None:
    """Stores records that tell both ends of every link, noting them as they come, or on any error none."""

    def noted() -> Iterator[r.Record]:
        for record in records:
            intake.add(record)
            yield record

    with transaction.atomic():
        store(noted(), intake.modes, now, progress)
        _keep(intake)


def _said(intake: Intake, records: Iterable[r.Record]) -> Iterator[r.Record]:
    """The records with links and parts. One that is to be deleted is served as it was last known, where it was."""
    known = {
        (kind, record.sourced_id): record
        for kind, ids in intake.gone.items()
        if ids
        for record in stored(kind, sorted(ids))
    }
    for record in records:
        if record.status == "active":
            yield _completed(intake, record)
        elif before := known.get((KINDS[type(record)], record.sourced_id)):
            yield replace(before, status=record.status, modified=record.modified)
        else:
            yield record


def _completed(intake: Intake, record: r.Record) -> r.Record:
    return intake.links.completed(intake.parts.joined(record) if isinstance(record, r.User) else record)


def _beside(intake: Intake, near: set[str]) -> Iterator[r.Record]:
    """Stored records that the intake does not name and changes all the same."""
    others = sorted((near | intake.parts.by_user.keys()) - intake.ids.get("users", set()))
    for user in stored("users", others) if others else ():
        if isinstance(user, r.User):
            changed = intake.parts.joined(user)
            changed = intake.links.completed_beside(changed) if user.sourced_id in near else changed
            if changed != user:
                yield replace(changed, modified="")


def _above(intake: Intake, kind: str) -> list[r.Record]:
    if intake.modes.get(kind) is not Mode.DELTA:
        return []
    return intake.links.look_above(kind, intake.ids.get(kind, set()))


def _changed(intake: Intake, above: list[r.Record]) -> Iterator[r.Record]:
    """Stored orgs and sessions whose children are others now."""
    for one in above:
        changed = intake.links.completed(one)
        if changed != one:
            yield replace(changed, modified="")


def _keep(intake: Intake) -> None:
    keep(intake.links, whole=intake.modes.get("users", Mode.DELTA) is not Mode.DELTA)
    keep_parts(intake.parts, intake.whole, intake.ids.get("users", set()) - intake.of_parts)
