"""A reading: one pull of a source, record by record, and the proof of whether it is complete."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import xxhash

from homeroom.problems import Problem
from homeroom.sync.roster import SourceOrg, SourcePerson


@dataclass(frozen=True, slots=True)
class Slice:
    """One record as it came: its collection, its sourcedId ("" when it has none) and its very bytes."""

    collection: str
    sourced_id: str
    raw: bytes

    @property
    def fingerprint(self) -> bytes:
        """16 bytes that tell this record from any other that says something else. When it was last modified is passed over: no
        decision is made by it, and many an export dates every record anew."""
        date = _DATE.search(self.raw)
        said = self.raw[: date.start()] + self.raw[date.end() :] if date else self.raw
        return xxhash.xxh3_128_digest(said)


_DATE = re.compile(rb'"dateLastModified"\s*:\s*"[^"\\]*"')


@dataclass(frozen=True, slots=True)
class Birth:
    """Somebody's birth date as an ISO day, "" where the source has none that can be read. It is shown nowhere, in no log either."""

    sourced_id: str
    day: str = field(repr=False)


@dataclass(slots=True)
class Evidence:
    """What one collection claimed and what came of it. `trouble` says why it is not complete; "" means complete."""

    collection: str
    claimed: int | None = None
    received: int = 0
    pages: int = 0
    attempts: int = 1  # how often the collection was begun; what is said here is the last time's
    requests: int = 0
    retries: int = 0
    bytes: int = 0
    revision: str = ""
    checksum: str = ""
    trouble: str = ""
    finished: bool = False
    again: bool = False  # another attempt may go better
    people: bool = True  # its records are people; else they only prove something about them

    @property
    def complete(self) -> bool:
        """True only when the collection was read to its end and nothing speaks against it."""
        return self.finished and not self.trouble


@dataclass(frozen=True, slots=True)
class Check:
    """One point of Test Connection. `ok` None means a warning: it works, but somebody should know.

    `cure` is what the owner does, `ask` what the administrator of the SIS is asked for, when that is another thing. `tried` is
    False when it could not be tried, because of another point.
    """

    name: str
    ok: bool | None
    detail: str
    cure: str = ""
    ask: str = ""
    tried: bool = True


@dataclass(frozen=True, slots=True)
class ConnectionTest:
    """The whole answer of Test Connection; `profile` is what was learnt of the server, plain JSON values, `sample` some people
    of the school, masked."""

    checks: tuple[Check, ...]
    profile: dict[str, object] = field(default_factory=dict)
    schools: tuple[SourceOrg, ...] = ()
    school: SourceOrg | None = None
    counts: dict[str, int] = field(default_factory=dict)
    sample: tuple[dict[str, str], ...] = ()

    @property
    def ok(self) -> bool:
        """No point failed; warnings do not count."""
        return all(check.ok is not False for check in self.checks)


class Source(Protocol):
    """Where a roster comes from: a server, or a set of files. One object is one pull: read `orgs`, then `people`, then look at
    `evidence`, which has "orgs" and one or more collections of people, and at `problems`, those of no one record."""

    evidence: dict[str, Evidence]
    problems: list[Problem]

    def check(self, school_id: str) -> ConnectionTest:
        """Test Connection: the way of a reading asked point by point, for a typed School ID. Changes nothing, never raises."""

    def orgs(self) -> Sequence[SourceOrg]:
        """Every org the source lists. Raises `SourceFailed` when nothing can be read at all."""

    def people(self) -> Iterator[list[Slice]]:
        """The users, a page of raw records at a time. Ends early, with `trouble` in its evidence, when cut."""

    def parse(self, record: Slice) -> tuple[SourcePerson | None, tuple[Problem, ...]]:
        """What a raw record says, leniently; None when it cannot be used at all. Never raises for bad data."""

    def births(self, of: Collection[str]) -> Iterator[list[Birth]]:
        """The birth dates of these people, once the people were read. Who does not come could not be asked: `problems` then
        says why. Never raises, and leaves the evidence as it is."""


class SourceFailed(Exception):
    """The source could not be read. Says what happened and what to do; `retry` = trying later may help."""

    def __init__(self, message: str, cure: str, *, retry: bool) -> None:
        super().__init__(message)
        self.cure = cure
        self.retry = retry
