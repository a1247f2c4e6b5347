"""What a person may decide about a run: approve what is held or planned, discard it, or undo what was done.

A run reads for all schools of its connection; a decision may be about one school's part alone.
"""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from homeroom.campus.runs import planning
from homeroom.campus.runs.lock import connection_lock, take
from homeroom.campus.runs.models import Change, Run
from homeroom.campus.runs.progress import Progress
from homeroom.campus.runs.sync import go_on
from homeroom.campus.schools.models import School
from homeroom.sync.changes import State
from homeroom.web.accounts.models import Account

Clock = Callable[[], datetime]
WAITING = (State.HELD, State.PLANNED)


class CannotDecide(Exception):
    """The decision is not possible any more, or never was; the message says why and what to do."""


def approve(run: Run, by: Account | None, clock: Clock, school: School | None = None) -> Run:
    """Carries out what is held, or a dry run's plan. Raises `CannotDecide`, `AlreadyRunning`."""
    with connection_lock(run, clock()):
        _refuse(run, school)
        _refuse_stale(run)
        with (
            transaction.atomic()
        ):  # taken and turned round at once: a run is never left taken with nothing to do
            take(run, clock())
            if school is not None:  # the other schools' parts go on waiting
                waiting(run).exclude(school=school).update(state=State.HELD)
            waiting(run, school).update(state=State.PLANNED, decided_by=by)
            run.dry_run, run.step = False, Run.Step.APPLY
            run.save(update_fields=["dry_run", "step"])
        go_on(run, None, clock, Progress(run, clock, None))
    run.refresh_from_db()
    return run


def discard(run: Run, by: Account | None, clock: Clock, school: School | None = None) -> Run:
    """Lets what is held or planned fall; nobody is touched. The next run looks again. Raises `CannotDecide`."""
    with connection_lock(run, clock()), transaction.atomic():
        _refuse(run, school)
        waiting(run, school).update(state=State.DISCARDED, decided_by=by, decided_at=clock())
        if not waiting(run).exists():
            planning.forget_staged(run)
            Run.objects.filter(pk=run.pk).update(state=Run.State.DONE, step=Run.Step.END)
    run.refresh_from_db()
    return run


def undo(run: Run, by: Account | None, clock: Clock, school: School | None = None) -> Run:
    """Takes a run back: a new run of kind "undo" whose changes are the old ones turned round.

    What was changed by hand since is left and said. Raises `CannotDecide`, `AlreadyRunning`.
    """
    done = Change.objects.filter(run=run, state=State.APPLIED).exclude(action="skip")
    if not (done.filter(school=school) if school else done).exists():
        raise CannotDecide(f"Run {run.pk} changed nothing that could be undone, or was undone already.")
    with connection_lock(run, clock()):
        with transaction.atomic():
            back = _new_undo(run, by, school)
            take(back, clock())
        go_on(back, None, clock, Progress(back, clock, None))
    back.refresh_from_db()
    return back


def _new_undo(run: Run, by: Account | None, school: School | None) -> Run:
    return Run.objects.create(
        district_id=run.district_id,
        connection_id=run.connection_id,
        kind="undo",
        undoes=run,
        school=school,
        started_by=by,
        complete=True,
        step=Run.Step.APPLY,
    )


def waiting(run: Run, school: School | None = None) -> QuerySet[Change]:
    """The changes of a run, or of its part at one school, that wait for a person."""
    found = Change.objects.filter(run=run, state__in=WAITING)
    return found.filter(school=school) if school is not None else found


def _refuse(run: Run, school: School | None) -> None:
    run.refresh_from_db()
    if run.state not in (Run.State.HELD, Run.State.PLANNED) or not waiting(run, school).exists():
        state = run.get_state_display().lower()
        raise CannotDecide(f"Nothing of run {run.pk} waits for a decision: it is {state}.")


def _refuse_stale(run: Run) -> None:
    newer = Run.objects.filter(connection=run.connection_id, pk__gt=run.pk, dry_run=False)
    newest = newer.exclude(state=Run.State.FAILED).first()
    if newest is not None:
        raise CannotDecide(
            f"Run {newest.pk} is newer than run {run.pk}: people have moved on. Decide on the newer one."
        )
