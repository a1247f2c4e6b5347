"""What a caller would receive, before it does: read as the share would be made, and kept nowhere."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

import msgspec

from homeroom.oneroster import records as r
from homeroom.oneroster.shapes import KINDS
from homeroom.sis.records.models import Share
from homeroom.sis.records.store import as_sent, told

SAMPLES = 3  # of each collection


@dataclass(slots=True)
class Preview:
    """How many of each collection and role, some records of each as they would be sent, and those that were asked for."""

    kinds: Counter[str] = field(default_factory=Counter)
    roles: Counter[str] = field(default_factory=Counter)
    samples: dict[str, list[str]] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)


def preview(share: Share, now: datetime, wanted: str = "") -> Preview:
    """Reads all that a share would hold. `wanted` is the sourcedId, e-mail or number of what is looked for."""
    seen, sought = Preview(), wanted.strip().casefold()
    for record in told(share):
        kind = KINDS[type(record)]
        seen.kinds[kind] += 1
        if isinstance(record, r.User):
            seen.roles.update({role.role for role in record.roles})
        if len(samples := seen.samples.setdefault(kind, [])) < SAMPLES:
            samples.append(_shown(record, now))
        if sought and sought in _names(record):
            seen.found.append(_shown(record, now))
    return seen


def _names(record: r.Record) -> set[str]:
    """By what a record may be looked for."""
    names = {record.sourced_id}
    if isinstance(record, r.User):
        names |= {record.email, record.identifier, record.username}
    return {name.casefold() for name in names}


def _shown(record: r.Record, now: datetime) -> str:
    """A record as it would be sent, laid out for people."""
    return str(msgspec.json.format(as_sent(record, now), indent=2))


def whole(share: Share, now: datetime) -> Iterator[str]:
    """All that a share would hold, as one JSON document of its collections, in pieces."""
    opened = "{"
    for kind, records in groupby(told(share), key=lambda record: KINDS[type(record)]):
        yield f'{opened}"{kind}":['
        yield from (f"{',' if place else ''}\n{as_sent(record, now)}" for place, record in enumerate(records))
        opened = "],\n"
    yield "{}" if opened == "{" else "]}"
