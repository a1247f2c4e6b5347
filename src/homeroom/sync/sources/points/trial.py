"""One Test Connection under way: what its points have found out so far, for those that come after."""

from collections.abc import Callable, Sequence
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

    `totals` are numbers by role that are known without those people: what the school's own lists claim, or what was counted.
    `counted` is how many were looked at, where not all of them were kept.
    """

    people: list[SourcePerson] = field(default_factory=list)
    whole: bool = False
    total: int | None = None
    totals: dict[str, int] = field(default_factory=dict)
    counted: int = 0

    @property
    def number(self) -> int:
        """How many people were looked at."""
        return self.counted or len(self.people)


@dataclass(slots=True)
class Look:
    """What the points about schools and people stand on, wherever the roster comes from. `sis` is the SIS that was chosen in the
    list, or "csv"; `looks` looks at people when the first point asks for them."""

    school_id: str
    sis: str = "other"
    looks: Callable[[], Seen] = Seen
    orgs: Sequence[SourceOrg] = ()
    schools: tuple[SourceOrg, ...] = ()
    school: SourceOrg | None = None
    seen: Seen | None = None
    counts: dict[str, int] = field(default_factory=dict)
    sample: list[dict[str, str]] = field(default_factory=list)

    @property
    def org(self) -> str:
        """The sourcedId of the school that was meant; "" when there is none."""
        return self.school.sourced_id if self.school is not None else ""


@dataclass(slots=True, kw_only=True)
class Trial(Look):
    """The test of a server so far. `failed` is why none was found."""

    source: RestSource
    address: Address | None = None
    date: str = ""  # of the server's first answer
    asked_at: datetime | None = None
    session: Session | None = None
    failed: ExchangeFailed | None = None
    large: Page | None = None

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
