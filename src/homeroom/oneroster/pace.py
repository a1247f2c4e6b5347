"""How fast one host is asked: all connections of a process share one pace, because a SIS counts its callers together."""

from collections import defaultdict
from dataclasses import dataclass, field
from threading import Lock


@dataclass(slots=True)
class Pace:
    """Calls to one host are `1 / per_second` apart; 0 means as fast as they come. No clock of its own: it is told the time."""

    per_second: float = 0
    _free_at: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _lock: Lock = field(default_factory=Lock)

    def reserve(self, host: str, now: float) -> float:
        """Takes the next free moment of a host; how many seconds away it is."""
        with self._lock:
            at = max(now, self._free_at[host])
            self._free_at[host] = at + (1 / self.per_second if self.per_second > 0 else 0)
            return at - now

    def hold(self, host: str, until: float) -> None:
        """Nobody asks a host before this moment: it said that it is asked too much."""
        with self._lock:
            self._free_at[host] = max(self._free_at[host], until)
