"""A reading: one pull of a source, record by record, and the proof of whether it is complete."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from homeroom.problems import Problem
from homeroom.sync.roster import SourceOrg, SourcePerson


@dataclass(frozen=True, slots=True)
class Slice:
    """One record as it came: its collection, its sourcedId ("" when it has none) and its very bytes."""

    collection: str
    sourced_id: str
    raw: bytes


@dataclass(slots=True)
class Evidence:
    """What one collection claimed and what came of it. `trouble` says why it is not complete; "" means complete."""

    collection: str
    claimed: int | None = None
    received: int = 0
    pages: int = 0
    requests: int = 0
    retries: int = 0
    bytes: int = 0
    revision: str = ""
    checksum: str = ""
    trouble: str = ""
    finished: bool = False
    again: bool = False  # another attempt may go better

    @property
    def complete(self) -> bool:
        """True only when the collection was read to its end and nothing speaks against it."""
        return self.finished and not self.trouble


@dataclass(frozen=True, slots=True)
class Check:
    """One point of Test Connection. `ok` None means a warning: it works, but somebody should know."""

    name: str
    ok: bool | None
    detail: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionTest:
    """The whole answer of Test Connection; `profile` is what was learnt of the server, plain JSON values."""

    checks: tuple[Check, ...]
    profile: dict[str, object] = field(default_factory=dict)
    schools: tuple[SourceOrg, ...] = ()
    school: SourceOrg | None = None
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """No point failed; warnings do not count."""
        return all(check.ok is not False for check in self.checks)


class Source(Protocol):
    """Where a roster comes from. One object is one pull: read `orgs`, then `people`, then look at `evidence`."""

    evidence: dict[str, Evidence]

    def orgs(self) -> Sequence[SourceOrg]:
        """Every org the source lists. Raises `SourceFailed` when nothing can be read at all."""

    def people(self) -> Iterator[list[Slice]]:
        """The users, a page of raw records at a time. Ends early, with `trouble` in its evidence, when cut."""

    def parse(self, record: Slice) -> tuple[SourcePerson | None, tuple[Problem, ...]]:
        """What a raw record says, leniently; None when it cannot be used at all. Never raises for bad data."""


class SourceFailed(Exception):
    """The source could not be read. Says what happened and what to do; `retry` = trying later may help."""

    def __init__(self, message: str, cure: str, *, retry: bool) -> None:
        super().__init__(message)
        self.cure = cure
        self.retry = retry
