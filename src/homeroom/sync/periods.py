"""Periods of a school's year in which a sync does less: a pause, or additions only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class PeriodKind(StrEnum):
    """The less a kind does, the earlier it stands: of two that overlap the first holds."""

    PAUSE = "pause"
    ADDITIONS = "additions_only"


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day to the last, both included."""

    kind: PeriodKind
    first: date
    last: date

    @property
    def words(self) -> str:
        """What is so, and until when."""
        what = "paused" if self.kind is PeriodKind.PAUSE else "additions only"
        return f"{what} until {self.last:%Y-%m-%d}"


def period_on(periods: Sequence[Period], today: date) -> Period | None:
    """The period that holds today; a pause before additions only."""
    found = [period for period in periods if period.first <= today <= period.last]
    return min(found, key=lambda period: (list(PeriodKind).index(period.kind), period.first), default=None)
