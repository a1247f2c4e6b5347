"""What each secured user called and fetched, written a few seconds late so that a call costs no write of its own."""

import atexit
import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import Error, connection
from django.db.models import F
from django.db.models.functions import Greatest

from homeroom.sis.secured_users.models import Fetch, Key

LATE = timedelta(seconds=5)
KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Call:
    """One kind of call: by whom, with which key, what was asked for without its values, and the HTTP status."""

    user: int
    key: int
    asked: str
    status: int


@dataclass(slots=True)
class Sum:
    """What calls of one kind came to."""

    calls: int = 0
    records: int = 0
    bytes: int = 0


Later = Callable[[Callable[[], None]], None]
log = logging.getLogger(__name__)


def later(act: Callable[[], None]) -> None:
    """Does something in a few seconds, in a thread that gives its database connection back."""

    def run() -> None:
        try:
            act()
        except Error:
            log.warning("what was called in the last seconds could not be written down; it will be missing")
        finally:
            connection.close()

    timer = threading.Timer(LATE.total_seconds(), run)
    timer.daemon = True
    timer.start()


class Usage:
    """The calls of this process that are not written yet. A kill loses those of the last seconds, nothing else.

    `later` has what was noted written when a little more has come together.
    """

    def __init__(self, later: Later = later) -> None:
        self._later = later
        self._sums: dict[Call, Sum] = {}
        self._last: datetime | None = None
        self._pruned: datetime | None = None
        self._lock = threading.Lock()

    def note(self, call: Call, records: int, size: int, now: datetime) -> None:
        """One call: how many records and bytes it gave."""
        with self._lock:
            first = not self._sums
            found = self._sums.setdefault(call, Sum())
            found.calls += 1
            found.records += records
            found.bytes += size
            self._last = now
        if first:
            self._later(self.write)

    def write(self) -> None:
        """Brings the counts to the database. Each row is a statement of its own, so that nobody waits for another's."""
        with self._lock:
            sums, last = self._sums, self._last
            self._sums = {}
        if last is None or not sums:
            return
        keys: Counter[int] = Counter()
        for call, found in sums.items():
            keys[call.key] += found.calls
        for key, count in keys.items():
            Key.objects.filter(pk=key).update(
                calls=F("calls") + count, last_used_at=Greatest("last_used_at", last)
            )
        self._log(sums, last)

    def _log(self, sums: dict[Call, Sum], last: datetime) -> None:
        hour = last.replace(minute=0, second=0, microsecond=0)
        with connection.cursor() as cursor:
            for call, found in sums.items():
                sums_of = (found.calls, found.records, found.bytes)
                cursor.execute(_ADD, [hour, call.asked[:200], call.status, *sums_of, last, call.user])
        if self._pruned != hour:
            self._pruned = hour
            Fetch.objects.filter(hour__lt=last - KEPT).delete()


# A secured user may have been removed meanwhile: what it fetched then concerns nobody.
_ADD = (
    "INSERT INTO secured_users_fetch AS held (secured_user_id, hour, call, status, calls, records, bytes, last_at) "
    "SELECT id, %s, %s, %s, %s, %s, %s, %s FROM secured_users_secureduser WHERE id = %s "
    "ON CONFLICT (secured_user_id, hour, call, status) DO UPDATE SET calls = held.calls + EXCLUDED.calls, "
    "records = held.records + EXCLUDED.records, bytes = held.bytes + EXCLUDED.bytes, last_at = EXCLUDED.last_at"
)

usage = Usage()
atexit.register(usage.write)
