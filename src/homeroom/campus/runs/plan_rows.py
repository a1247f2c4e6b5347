"""A plan as rows: kept as it is thought out, and taken away again when it must be thought out anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from psycopg.types.json import Json

from homeroom.campus.runs.lock import fenced
from homeroom.campus.runs.models import Change as ChangeRow
from homeroom.campus.runs.models import ChangedRecord, Rekey, Run, RunProblem, Staged, StagedLink, Unseen
from homeroom.campus.runs.reviews import Contested, keep_contested
from homeroom.campus.runs.staging import copy
from homeroom.problems import Problem
from homeroom.sync.changes import Change, State

_COLUMNS = (
    "district_id", "run_id", "school_id", "group", "action", "subject", "subject_id", "sourced_id", "fields", "reason",
    "new", "state",
)  # fmt: skip


@dataclass(slots=True)
class Decided:
    """What was decided on a batch of staged records: changes, problems, questions, and of each record whom it means and
    whether that is the last word on it until it or the policy changes."""

    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    contested: list[Contested] = field(default_factory=list)
    means: list[tuple[str, int | None, bool]] = field(default_factory=list)


def keep(run: Run, decided: Decided) -> None:
    """Keeps a batch of a plan, in one transaction. What a preview thinks out waits for nobody and asks nobody anything."""
    asks = run.kind != Run.PREVIEW
    state = State.PLANNED if asks else State.PREVIEWED
    with fenced(run), connection.cursor() as cursor:
        copy(cursor, "runs_change", _COLUMNS, [_row(run, change, state) for change in decided.changes])
        keep_problems(run, decided.problems)
        keep_contested(run, decided.contested if asks else ())
        cursor.execute(
            "UPDATE runs_staged SET person_id = d.person, final = d.final FROM unnest(%s::text[], %s::bigint[], %s::bool[]) "
            "AS d(id, person, final) WHERE run_id = %s AND sourced_id = d.id",
            [*(list(column) for column in zip(*decided.means, strict=True)), run.pk]
            if decided.means
            else [[], [], [], run.pk],
        )


def _row(run: Run, change: Change, state: State) -> tuple[Any, ...]:
    group = change.group.value if change.group else ""
    return (
        run.district_id, run.pk, change.school, group, change.action.value, change.subject.value, change.subject_id,
        change.sourced_id, Json(change.fields), change.reason[:500], change.new, state.value,
    )  # fmt: skip


def keep_bytes(run: Run) -> None:
    """Keeps what the source sent of each record that changes something, and each new version of one that is somebody's."""
    with fenced(run), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO runs_changedrecord (run_id, sourced_id, raw, verdict) "
            "SELECT staged.run_id, staged.sourced_id, staged.raw, staged.verdict "
            "FROM runs_staged staged LEFT JOIN connections_sourcerecord record ON record.connection_id = %(source)s "
            "AND record.sourced_id = staged.sourced_id "
            "LEFT JOIN (SELECT DISTINCT sourced_id FROM runs_change WHERE run_id = %(run)s) AS planned "
            "ON planned.sourced_id = staged.sourced_id "
            "WHERE staged.run_id = %(run)s AND staged.raw IS NOT NULL AND (planned.sourced_id IS NOT NULL OR "
            "((staged.places <> '{}' OR record.person_id IS NOT NULL OR record.contact_id IS NOT NULL) "
            "AND (record.gone OR record.fingerprint IS DISTINCT FROM staged.fingerprint)))",
            {"run": run.pk, "source": run.connection_id},
        )


def keep_problems(run: Run, problems: Sequence[Problem], more: Mapping[Problem, int] | None = None) -> None:
    """Keeps problems with their run, and of each in `more` how many there are."""
    rows = [*((problem, 1) for problem in problems), *(more or {}).items()]
    RunProblem.objects.bulk_create([_problem(run, *row) for row in rows], batch_size=1000)


def _problem(run: Run, problem: Problem, number: int) -> RunProblem:
    return RunProblem(
        run=run,
        code=problem.code,
        where=problem.where,
        sourced_id=(problem.sourced_id or "")[:255],
        field=(problem.field or "")[:64],
        detail=problem.detail,
        number=number,
    )


def forget_plan(run: Run) -> None:
    """Takes away what a run planned before it was cut off, so that it may be planned again."""
    with fenced(run):
        ChangeRow.objects.filter(run=run, state__in=(State.PLANNED, State.HELD)).delete()
        RunProblem.objects.filter(run=run).delete()
        ChangedRecord.objects.filter(run=run).delete()
        Rekey.objects.filter(run=run).delete()


def forget_staged(run: Run) -> None:
    """Takes away what a run, and any older one of its connection, had laid out to decide on."""
    mine = Run.objects.filter(connection=run.connection_id, pk__lte=run.pk)
    older = mine.exclude(kind=Run.PREVIEW, finished_at=None).values("pk")  # what is being counted stays
    StagedLink.objects.filter(run__in=older).delete()
    Staged.objects.filter(run__in=older).delete()
    Unseen.objects.filter(run__in=older).delete()
