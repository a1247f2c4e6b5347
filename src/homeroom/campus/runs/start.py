"""Starting runs: by hand, from a schedule, or again after a worker was killed. The job and the run are one transaction."""

import logging
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from homeroom.campus.connections.models import Connection
from homeroom.campus.connections.policy import next_run
from homeroom.campus.runs.lock import AlreadyRunning, Fenced
from homeroom.campus.runs.models import Run
from homeroom.campus.runs.sync import carry_out
from homeroom.web.accounts.models import Account

SILENT = timedelta(minutes=5)  # a worker says every second that it lives
UNDER_WAY = (Run.State.QUEUED, Run.State.RUNNING)
log = logging.getLogger(__name__)


def make_run(connection: Connection, kind: str, by: Account | None, *, dry_run: bool = False) -> Run:
    """A run that waits to be carried out."""
    return Run.objects.create(
        district_id=connection.district_id, connection=connection, kind=kind, started_by=by, dry_run=dry_run
    )


def start(connection: Connection, *, kind: str, by: Account | None, dry_run: bool = False) -> Run:
    """A run handed to the worker. Raises `AlreadyRunning` when one waits or is under way."""
    with transaction.atomic():
        Connection.objects.select_for_update().get(pk=connection.pk)
        other = Run.objects.filter(connection=connection, state__in=UNDER_WAY).first()
        if other is not None:
            raise AlreadyRunning(
                f"Run {other.pk} of this connection is under way already. Wait until it ends."
            )
        run = make_run(connection, kind, by, dry_run=dry_run)
        sync_job.configure(lock=f"connection-{connection.pk}").defer(run_id=run.pk)
    return run


def hand_over(run: Run) -> None:
    """Gives a run that was prepared, such as a large approval, to the worker."""
    sync_job.configure(lock=f"connection-{run.connection_id}").defer(run_id=run.pk)


@app.task(name="sync", queue="runs", retry=RetryStrategy(max_attempts=5, exponential_wait=5))
def sync_job(run_id: int) -> None:
    """The worker's part: carries a run out, or goes on with one whose worker was killed."""
    run = Run.objects.select_related("connection").get(pk=run_id)
    if run.step == Run.Step.END:
        return
    try:
        carry_out(run)
    except Fenced:
        log.warning("run %s was taken over by another worker", run_id)


@app.periodic(cron="* * * * *")
@app.task(name="start_due_runs", queue="schedule", queueing_lock="start_due_runs", pass_context=False)
def start_due_runs(timestamp: int) -> None:  # noqa: ARG001 # the scheduler's clock; ours decides
    """Once a minute: starts what is due, and takes up what was left lying."""
    start_due(timezone.now())


def start_due(now: datetime) -> int:
    """Starts every connection that is due and returns how many; the next time is set before, so none starts twice."""
    started = 0
    for connection in Connection.objects.filter(enabled=True, next_run_at__lte=now):
        due = connection.next_run_at
        moved = Connection.objects.filter(pk=connection.pk, next_run_at=due).update(
            next_run_at=next_run(connection, now)
        )
        if moved:
            try:
                start(connection, kind="nightly", by=None)
                started += 1
            except AlreadyRunning:
                log.info("connection %s is running already; its turn is skipped", connection.pk)
    return started + resume_lost(now)


def resume_lost(now: datetime) -> int:
    """Hands runs to a worker again whose own worker has been silent for five minutes."""
    silent = Q(state=Run.State.RUNNING, beat_at__lt=now - SILENT)
    lost = Run.objects.filter(silent | Q(state=Run.State.QUEUED, created_at__lt=now - SILENT))
    for run in lost:
        with suppress(AlreadyEnqueued):
            again = sync_job.configure(
                lock=f"connection-{run.connection_id}", queueing_lock=f"again-{run.pk}"
            )
            again.defer(run_id=run.pk)
    return len(lost)


def unfinished(connection: Connection) -> Run | None:
    """A run that was cut off, so that the next start goes on with it instead of beginning another."""
    return Run.objects.filter(connection=connection, state__in=UNDER_WAY).order_by("id").first()
