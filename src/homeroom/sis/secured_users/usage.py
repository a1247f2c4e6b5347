"""Counting calls and last uses of keys, written a few seconds late so that a call costs no write of its own."""

import atexit
import threading
from collections import Counter
from datetime import datetime, timedelta

from django.db.models import F

from homeroom.sis.secured_users.models import Key

LATE = timedelta(seconds=5)


class Usage:
    """The calls of this process that are not written yet. A kill loses those of the last seconds, nothing else."""

    def __init__(self) -> None:
        self._calls: Counter[int] = Counter()
        self._last: datetime | None = None
        self._written: datetime | None = None
        self._lock = threading.Lock()

    def note(self, key: int, now: datetime) -> None:
        """One call with a key."""
        with self._lock:
            self._calls[key] += 1
            self._last = now
            self._written = self._written or now - LATE
            due = now - self._written >= LATE
        if due:
            self.write()

    def write(self) -> None:
        """Brings the counts to the database."""
        with self._lock:
            calls, last = self._calls, self._last
            self._calls, self._written = Counter(), last
        for key, count in calls.items():
            Key.objects.filter(pk=key).update(calls=F("calls") + count, last_used_at=last)


usage = Usage()
atexit.register(usage.write)
