"""What a search for a server has met: each try in the order it was made, and the failure that tells most."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from homeroom.oneroster.failing import ExchangeFailed

# How much a kind of failure tells of its cause; a kind that is not named here tells something, a plain 404 least.
_WEIGHT = {
    "not_found": 0,
    "html": 1,
    "redirect": 1,
    "token": 3,
    "unauthorized": 3,
    "forbidden": 4,
    "credentials": 5,
}
_SOMETHING = 2
BUSY = frozenset(f"HTTP {status}" for status in (429, 502, 503, 504))
FAILING = BUSY | {"HTTP 500"}
_MORE_THAN_A_LIMIT = frozenset({"server", "token", "unauthorized", "forbidden", "credentials", "rate"})


@dataclass(slots=True)
class Findings:
    """The log of one search, without secrets: ways and paths only."""

    tried: list[str] = field(default_factory=list)
    told: ExchangeFailed | None = None
    heard: set[str] = field(default_factory=set)  # what knocks were answered with

    def note(self, how: str, url: str, came: str) -> None:
        """One try: in which way, where, and what came of it."""
        self.tried.append(f"{how} {urlsplit(url).path}: {came}")
        self.heard |= {came} if how == "knock" else set()

    def tell(self, failed: ExchangeFailed) -> None:
        """Keeps of several failures the one that tells most, and of equals the first."""
        if self.told is None or _weight(failed) > _weight(self.told):
            self.told = failed

    def instead_of(self, failed: ExchangeFailed) -> ExchangeFailed:
        """The failure to report: one that ended a search for its number of tries says less than what was met on the way."""
        met = self.told
        if self.heard and self.heard <= FAILING:
            return busy(min(self.heard))
        return met if failed.kind == "guesses" and met and met.kind in _MORE_THAN_A_LIMIT else failed


def busy(came: str) -> ExchangeFailed:
    """A server that answers whatever is asked with the same failure."""
    return ExchangeFailed(
        "busy",
        f"The server answers everything with {came}: it is too busy, or has a fault",
        "Try again later; if it lasts, ask the SIS's administrator.",
        retry=True,
    )


def _weight(failed: ExchangeFailed) -> int:
    return _WEIGHT.get(failed.kind, _SOMETHING)
