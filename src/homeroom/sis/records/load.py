"""Loading a OneRoster CSV set: good rows are served, bad rows are named, and it happens whole or not at all."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from homeroom.oneroster import records as r
from homeroom.oneroster.bulk.between import Between, Open
from homeroom.oneroster.bulk.files import BulkError
from homeroom.oneroster.bulk.parts import TABLES
from homeroom.oneroster.bulk.sets import BulkFile, BulkSet, Read, open_set
from homeroom.oneroster.endpoints import V1P1
from homeroom.oneroster.tables import SERVED
from homeroom.problems import Problem
from homeroom.sis.records.intake import Intake, take_in
from homeroom.sis.records.models import Load, Record
from homeroom.sis.records.parts import held
from homeroom.sis.records.store import Mode, Progress, active, be_alone

_PEOPLE = ("users", "roles")


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load brought: records by kind, and every fault."""

    counts: dict[str, int]
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class Rows:
    """How many rows of a file there are, how many could not be used, and how many say their status and date."""

    all: int = 0
    lost: int = 0
    dated: int = 0


@dataclass(slots=True)
class Survey:
    """What a first look over a set found out: faults, and what its rows have to do with each other and with what is stored."""

    opened: BulkSet
    between: Between
    intake: Intake = field(default_factory=lambda: Intake({}))
    problems: list[Problem] = field(default_factory=list)
    rows: dict[str, Rows] = field(default_factory=dict)  # by table

    def add(self, read: Read) -> None:
        """Notes one row."""
        self.problems += read.problems
        self.problems += self.between.add(read)
        rows = self.rows.setdefault(read.file.table, Rows())
        rows.all += read.number > 1
        rows.lost += read.number > 1 and read.cells is None
        rows.dated += bool(read.cells and read.cells.get("status") and read.cells.get("dateLastModified"))
        if read.record is not None:
            in_parts = (
                self.opened.version != V1P1 and isinstance(read.record, r.User) and not read.record.roles
            )
            self.intake.add(read.record, in_parts=in_parts)
        if read.part is not None:
            self.intake.add_part(read.part)

    def mode(self, file: BulkFile) -> Mode:
        """How a file is to be read. What is absent from it is gone only when it is proven to be complete: a bulk file with
        rows, all of which could be read, and not all of which say by themselves that they are changes (FACTS 7.2)."""
        rows = self.rows[file.table]
        proven = rows.all and not rows.lost and rows.dated < rows.all
        return Mode.BULK if proven and not file.delta else Mode.DELTA


def load(path: Path, *, replace: bool, now: datetime, progress: Progress | None = None) -> LoadReport:
    """Loads the set at a path. Raises `homeroom.oneroster.bulk.files.BulkError`, with nothing changed, when it is none."""
    started = time.monotonic()
    opened = open_set(path)
    if opened.unusable:
        raise BulkError(opened.unusable[0])
    survey = _survey(opened)
    _decide_modes(survey, replace=replace)
    counts: Counter[str] = Counter()
    with transaction.atomic():
        be_alone()
        missing, problems = _against_stored(survey)
        for org in missing:
            survey.intake.add(org)
        take_in(survey.intake, _records(opened, missing, counts), now, progress)
        by_kind = _counts_by_kind(counts)
        remember(path.name, by_kind, problems, time.monotonic() - started, now)
    return LoadReport(by_kind, problems)


def _survey(opened: BulkSet) -> Survey:
    survey = Survey(opened, Between(opened))
    for read in opened.read():
        survey.add(read)
    for file in opened.files:
        rows = survey.rows[file.table]
        if not rows.all:
            survey.problems.append(Problem("no_rows", file.name))
        elif rows.lost and not file.delta:
            survey.problems.append(Problem("rows_lost", file.name, detail=f"{rows.lost} of {rows.all} rows"))
    return survey


def _decide_modes(survey: Survey, *, replace: bool) -> None:
    """Writes into the intake how each kind is to be taken in, and which parts are told whole."""
    modes = {file.table: survey.mode(file) for file in survey.opened.files if file.table in SERVED}
    if replace:
        kinds = Record.objects.filter(share=0).values_list("kind", flat=True).distinct()
        modes |= dict.fromkeys((*kinds, *modes, *TABLES), Mode.REPLACE)
    elif survey.opened.version == V1P1 and modes.get("users") is Mode.BULK:
        modes |= dict.fromkeys(TABLES, Mode.BULK)  # whose users have no parts
    survey.intake.modes = {kind: mode for kind, mode in modes.items() if kind not in TABLES}
    survey.intake.whole = {table for table in TABLES if modes.get(table, Mode.DELTA) is not Mode.DELTA}


def _records(opened: BulkSet, missing: list[r.Org], counts: Counter[str]) -> Iterator[r.Record]:
    for read in opened.read():
        if read.record is not None:
            counts[type(read.record).__name__] += 1
            yield read.record
    yield from missing


def _against_stored(survey: Survey) -> tuple[list[r.Org], tuple[Problem, ...]]:
    """A school for each org that people are at and nobody has, without which they could not be asked for; and every problem."""
    unknown = _unknown(survey)
    missing = {
        one.wanted: one
        for one in unknown
        if one.field in ("orgSourcedIds", "orgSourcedId") and one.file.lower().startswith(_PEOPLE)
    }
    problems = [*survey.opened.problems, *survey.problems, *survey.between.at_the_end()]
    problems += [
        one.problem("dangling_reference")
        for one in unknown
        if one.wanted not in missing or one.target != "orgs"
    ]
    problems += [Problem("missing_org", one.file, org, one.field, one.row) for org, one in missing.items()]
    orgs = [r.Org(sourced_id=org, name=f"School {org}", type="school", identifier=org) for org in missing]
    return orgs, tuple(problems)


def _unknown(survey: Survey) -> list[Open]:
    """The references that lead to nothing: neither in the set nor, where the set does not tell all, among what is stored."""
    left = survey.between.open_references()
    modes = survey.intake.modes
    known: dict[str, set[str]] = {}
    for target in {one.target for one in left}:
        wanted = {one.wanted for one in left if one.target == target}
        if target == "userProfiles":
            known[target] = set() if target in survey.intake.whole else held(target, wanted)
        elif target in SERVED:
            known[target] = (
                set() if modes.get(target, Mode.DELTA) is not Mode.DELTA else active(target, wanted)
            )
        else:
            known[target] = wanted if all(one.delta for one in left if one.target == target) else set()
    return [one for one in left if one.wanted not in known[one.target]]


KIND_OF_CLASS = {
    "Org": "orgs",
    "User": "users",
    "AcademicSession": "academicSessions",
    "Course": "courses",
    "Class": "classes",
    "Enrollment": "enrollments",
    "Demographics": "demographics",
}


def _counts_by_kind(counts: Counter[str]) -> dict[str, int]:
    return {KIND_OF_CLASS[name]: count for name, count in counts.items()}


def remember(
    source: str, counts: dict[str, int], problems: tuple[Problem, ...], seconds: float, now: datetime
) -> None:
    """Keeps the load in the history that the Data page shows."""
    Load.objects.create(
        at=now, source=source, counts=counts, problems=grouped(problems), seconds=round(seconds, 2)
    )


def grouped(problems: tuple[Problem, ...]) -> list[dict[str, Any]]:
    """Problems by code and file, each with its number and its first place."""
    groups: dict[tuple[str, str, str | None], list[Problem]] = {}
    for problem in problems:
        groups.setdefault((problem.code, problem.where, problem.field), []).append(problem)
    return [
        {
            "code": code,
            "where": where,
            "field": field or "",
            "count": len(found),
            "first_row": found[0].row,
            "message": found[0].message,
            "cure": found[0].cure,
        }
        for (code, where, field), found in groups.items()
    ]
