"""Records that are marked `tobedeleted`: served for a set time, so that daily clients see them, and then gone.

They go with a load, and without one too: each process that serves looks for them once an hour.
"""

import logging
import time
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

log = logging.getLogger(__name__)
_LOCK = 0x0E07  # of the advisory locks, ours: of several processes one does it
_EVERY = 3600  # seconds


def forget(cursor: Any, share: int, now: datetime) -> int:
    """Deletes what has been marked for long enough; returns how many records that were."""
    cursor.execute(
        "DELETE FROM records_record WHERE share = %s AND deleted < %s",
        [share, now - timedelta(days=settings.KEEP_DELETED_DAYS)],
    )
    return int(cursor.rowcount)


def forget_everywhere(now: datetime) -> int:
    """Deletes in every share what has been marked for long enough; does nothing while another process does it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute("SELECT id FROM records_share ORDER BY id")
        gone = 0
        for (share,) in cursor.fetchall():
            if found := forget(cursor, share, now):
                count_anew(cursor, share)
                gone += found
        return gone


def keep_forgetting() -> None:
    """Looks once an hour, for as long as the process serves."""
    while True:
        try:
            forget_everywhere(timezone.now())
        except DatabaseError:
            log.info("the database does not answer; records that are to go wait for the next hour")
        finally:
            connection.close()
        time.sleep(_EVERY)


_SUBSETS = (
    "SELECT kind, '' AS subset FROM records_record WHERE share = %(share)s UNION ALL "
    "SELECT kind, word FROM records_record, LATERAL "
    "(SELECT unnest(roles) UNION SELECT type WHERE type <> '' AND kind <> 'enrollments') AS words(word) WHERE share = %(share)s"
)


def count_anew(cursor: Any, share: int) -> None:
    """Totals and the revision of a share, anew after every change."""
    cursor.execute("DELETE FROM records_total WHERE share = %s", [share])
    cursor.execute(
        "INSERT INTO records_total (share, kind, subset, count) "
        f"SELECT %(share)s, kind, subset, count(*) FROM ({_SUBSETS}) AS subsets GROUP BY kind, subset",
        {"share": share},
    )
    cursor.execute("UPDATE records_share SET revision = revision + 1 WHERE id = %s", [share])
