"""One run per connection at a time, and no writing by a worker that was thought dead.

The lock is PostgreSQL's own and falls with the connection that holds it, however the process ends. The fence is a number
that each taker of a run raises and every write of a run checks.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection, transaction

from homeroom.campus.runs.models import Run

SPACE = 0x686F6D65  # "home": our part of the space of advisory locks
LOST = timedelta(minutes=2)


class AlreadyRunning(Exception):
    """Another run of this connection is under way; the message says which and since when."""


class Fenced(Exception):
    """Another worker took this run over; this one must write no more."""


@contextmanager
def connection_lock(run: Run, now: datetime) -> Iterator[None]:
    """Holds the connection for the block. Raises `AlreadyRunning`. A holder silent for two minutes is put out."""
    if not _try(run.connection_id):
        _put_out_if_silent(run, now)
        if not _try(run.connection_id):
            raise AlreadyRunning(_who(run))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [SPACE, run.connection_id])


def _try(connection_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [SPACE, connection_id])
        row = cursor.fetchone()
    return bool(row and row[0])


def _put_out_if_silent(run: Run, now: datetime) -> None:
    beats = Run.objects.filter(connection=run.connection_id, state=Run.State.RUNNING).values_list(
        "beat_at", flat=True
    )
    if any(beat is not None and beat > now - LOST for beat in beats) or not beats:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
            "AND classid = %s AND objid = %s AND pid <> pg_backend_pid()",
            [SPACE, run.connection_id],
        )
        cursor.execute("SELECT pg_sleep(0.2)")


def _who(run: Run) -> str:
    other = (
        Run.objects.filter(connection=run.connection_id, state=Run.State.RUNNING).exclude(pk=run.pk).first()
    )
    which = (
        f"run {other.pk}, started {other.started_at:%H:%M} UTC ({other.kind})"
        if other and other.started_at
        else "a run"
    )
    return (
        f"A sync of this connection is already under way: {which}. Wait until it ends; nothing was started."
    )


def take(run: Run, now: datetime) -> None:
    """Makes this worker the run's own: the fence goes up, and whoever had it before can write no more."""
    with transaction.atomic():
        fresh = Run.objects.select_for_update().get(pk=run.pk)
        run.fence = fresh.fence + 1
        run.state, run.started_at, run.beat_at = Run.State.RUNNING, fresh.started_at or now, now
        run.save(update_fields=["fence", "state", "started_at", "beat_at"])


@contextmanager
def fenced(run: Run, now: datetime | None = None) -> Iterator[None]:
    """A transaction that writes only while the run is ours. Raises `Fenced`."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT fence FROM runs_run WHERE id = %s FOR UPDATE", [run.pk])
            row = cursor.fetchone()
            if row is None or row[0] != run.fence:
                raise Fenced(f"run {run.pk} was taken over by another worker")
            if now is not None:
                cursor.execute("UPDATE runs_run SET beat_at = %s WHERE id = %s", [now, run.pk])
        yield
