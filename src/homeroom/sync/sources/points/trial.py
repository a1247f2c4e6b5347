"""One Test Connection under way: what its points have found out so far, for those that come after."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from homeroom.oneroster.address import Address
from homeroom.oneroster.client import Page, Session
from homeroom.oneroster.failing import ExchangeFailed
from homeroom.sync.reading import Check
from homeroom.sync.roster import SourceOrg, SourcePerson
from homeroom.sync.sources.rest import RestSource


@dataclass(slots=True)
class Seen:
    """The people that the test looked at: a sample, or everybody when `whole`.

    `totals` are the numbers of students and teachers that the school's own lists claim.
    """

    people: list[SourcePerson] = field(default_factory=list)
    whole: bool = False
    total: int | None = None
    totals: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Trial:
    """The test so far. `failed` is why no server was found."""

    source: RestSource
    school_id: str
    address: Address | None = None
    date: str = ""  # of the server's first answer
    asked_at: datetime | None = None
    session: Session | None = None
    failed: ExchangeFailed | None = None
    orgs: Sequence[SourceOrg] = ()
    schools: tuple[SourceOrg, ...] = ()
    school: SourceOrg | None = None
    seen: Seen | None = None
    large: Page | None = None
    counts: dict[str, int] = field(default_factory=dict)
    sample: list[dict[str, str]] = field(default_factory=list)

    @property
    def sis(self) -> str:
        """The SIS that was chosen in the list."""
        return self.source.settings.sis

    def ready(self) -> Session:
        """The session with the server, once there is one."""
        if self.session is None:
            raise ExchangeFailed("not_found", "There is no session with the server", "Test again.")
        return self.session


def fine(name: str, detail: str) -> Check:
    """A point that went well."""
    return Check(name, ok=True, detail=detail)


def mind(name: str, detail: str, cure: str, ask: str = "") -> Check:
    """A point that works, though somebody should know. `ask` is what the SIS's administrator is asked for."""
    return Check(name, None, detail, cure, ask=ask)


def wrong(name: str, detail: str, cure: str, ask: str = "") -> Check:
    """A point that failed."""
    return Check(name, ok=False, detail=detail, cure=cure, ask=ask)


def untried(name: str, why: str) -> Check:
    """A point that could not be tried."""
    return Check(name, None, f"Not tried: {why}", tried=False)
