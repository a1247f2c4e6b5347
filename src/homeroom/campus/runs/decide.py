"""What a person may decide about a run: approve what is held or planned, discard it, or undo what was done."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction

from homeroom.campus.runs import applying, reporting
from homeroom.campus.runs.lock import connection_lock, take
from homeroom.campus.runs.models import Change, Run
from homeroom.campus.runs.progress import Progress
from homeroom.campus.runs.undoing import undo_changes
from homeroom.sync.changes import State
from homeroom.web.accounts.models import Account

Clock = Callable[[], datetime]


class CannotDecide(Exception):
    """The decision is not possible any more, or never was; the message says why and what to do."""


def approve(run: Run, by: Account | None, clock: Clock) -> Run:
    """Carries out what is held, or a dry run's plan. Raises `CannotDecide`, `AlreadyRunning`."""
    with connection_lock(run, clock()):
        waiting = _waiting(run)
        _refuse_stale(run)
        take(run, clock())
        waiting.update(state=State.PLANNED, decided_by=by)
        applying.apply(run, clock(), Progress(run, clock, None))
        _end(run, clock)
    return run


def discard(run: Run, by: Account | None, clock: Clock) -> Run:
    """Lets what is held or planned fall; nobody is touched. The next run looks again. Raises `CannotDecide`."""
    with connection_lock(run, clock()), transaction.atomic():
        _waiting(run).update(state=State.DISCARDED, decided_by=by, decided_at=clock())
        Run.objects.filter(pk=run.pk).update(state=Run.State.DONE, step=Run.Step.END)
        run.refresh_from_db()
    return run


def undo(run: Run, by: Account | None, clock: Clock) -> Run:
    """Takes a run back: a new run of kind "undo" whose changes are the old ones turned round.

    What was changed by hand since is left and said. Raises `CannotDecide`, `AlreadyRunning`.
    """
    if not Change.objects.filter(run=run, state=State.APPLIED).exclude(action="skip").exists():
        raise CannotDecide(f"Run {run.pk} changed nothing that could be undone, or was undone already.")
    back = Run.objects.create(
        district_id=run.district_id,
        connection_id=run.connection_id,
        kind="undo",
        started_by=by,
        complete=True,
    )
    with connection_lock(back, clock()):
        take(back, clock())
        undo_changes(run, back, by, clock())
        _end(back, clock)
    return back


def _waiting(run: Run) -> Any:
    run.refresh_from_db()
    waiting = Change.objects.filter(run=run, state__in=(State.HELD, State.PLANNED))
    if run.state not in (Run.State.HELD, Run.State.PLANNED) or not waiting.exists():
        raise CannotDecide(
            f"Nothing of run {run.pk} waits for a decision: it is {run.get_state_display().lower()}."
        )
    return waiting


def _refuse_stale(run: Run) -> None:
    newer = Run.objects.filter(connection=run.connection_id, pk__gt=run.pk, dry_run=False).exclude(
        state=Run.State.FAILED
    )
    if newer.exists():
        raise CannotDecide(
            f"Run {newer[0].pk} is newer than run {run.pk}: people have moved on. Decide on the newer one."
        )


def _end(run: Run, clock: Clock) -> None:
    run.step, run.dry_run = Run.Step.END, False
    run.counts = reporting.count(run, list(run.connection.links.exclude(org="")))
    run.state, run.finished_at = Run.State.DONE, clock()
    run.save(update_fields=["step", "dry_run", "counts", "state", "finished_at"])
