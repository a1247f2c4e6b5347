"""Loading a OneRoster CSV set: good rows are served, bad rows are named, and it happens whole or not at all."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from homeroom.oneroster import records as r
from homeroom.oneroster.bulk import BulkSet, open_set
from homeroom.oneroster.rows import References
from homeroom.problems import Problem
from homeroom.sis.records.models import Load, Record
from homeroom.sis.records.store import Mode, Progress, store

KIND_OF_TABLE = {"roles": "users"}


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load brought: records by kind, and every fault."""

    counts: dict[str, int]
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class Survey:
    """What a first look over the set found out: faults, and the links that its records leave open."""

    problems: list[Problem] = field(default_factory=list)
    references: References = field(default_factory=References)
    told_by: dict[str, list[str]] = field(default_factory=dict)  # guardian -> students who name them
    tells: set[tuple[str, str]] = field(default_factory=set)
    children: dict[str, list[str]] = field(default_factory=dict)

    def add(self, table: str, record: r.Record, file: str, number: int) -> None:
        """Notes one record."""
        self.problems += self.references.add(table, record, file, number)
        if isinstance(record, r.User):
            for agent in record.agents:
                self.told_by.setdefault(agent, []).append(record.sourced_id)
                self.tells.add((record.sourced_id, agent))
        if isinstance(record, r.Org | r.AcademicSession) and record.parent:
            self.children.setdefault(record.parent, []).append(record.sourced_id)

    def missing_orgs(self, known: set[str]) -> dict[str, int]:
        """Orgs that users name and nobody has, with the row that names each first."""
        named = self.references.named.get("orgs", {})
        have = self.references.seen.get("orgs", set()) | known
        return {sourced_id: row for sourced_id, (_, _, row) in named.items() if sourced_id not in have}

    def completed(self, record: r.Record) -> r.Record:
        """The record with the links that only the other side told: guardians back to students, parents to children."""
        if isinstance(record, r.User) and record.sourced_id in self.told_by:
            agents = dict.fromkeys([*record.agents, *self.told_by[record.sourced_id]])
            return msgspec.structs.replace(record, agents=tuple(agents))
        if isinstance(record, r.Org | r.AcademicSession) and record.sourced_id in self.children:
            return msgspec.structs.replace(record, children=tuple(sorted(self.children[record.sourced_id])))
        return record

    def one_way_links(self) -> int:
        """How many links only one side tells."""
        return sum((agent, student) not in self.tells for student, agent in self.tells)


def load(path: Path, *, replace: bool, now: datetime, progress: Progress | None = None) -> LoadReport:
    """Loads the set at a path. Raises `homeroom.oneroster.bulk.BulkError`, with nothing changed, when it is none."""
    started = time.monotonic()
    opened = open_set(path)
    survey = _survey(opened)
    counts: Counter[str] = Counter()
    modes = _modes(opened, replace=replace)
    delta = Mode.DELTA in modes.values()
    missing = _placeholders(survey)
    tail: list[r.Record] = list(missing)

    def records() -> Iterator[r.Record]:
        for _, _, (record, _) in opened.read():
            if record is not None:
                counts[type(record).__name__] += 1
                yield record if delta else survey.completed(record)
        yield from tail

    if missing and "orgs" not in modes:
        modes["orgs"] = Mode.DELTA
    store(records(), modes, now, progress)
    problems = (*opened.problems, *survey.problems, *_whole_set_problems(survey, missing, delta=delta))
    by_kind = _counts_by_kind(counts)
    remember(path.name, by_kind, problems, time.monotonic() - started, now)
    return LoadReport(by_kind, problems)


def _survey(opened: BulkSet) -> Survey:
    survey = Survey()
    for file, number, (record, problems) in opened.read():
        survey.problems += problems
        if record is not None:
            survey.add(file.table, record, file.name, number)
    return survey


def _modes(opened: BulkSet, *, replace: bool) -> dict[str, Mode]:
    if replace:
        return dict.fromkeys(Record.objects.values_list("kind", flat=True).distinct(), Mode.REPLACE)
    return {
        KIND_OF_TABLE.get(file.table, file.table): Mode.DELTA if file.delta else Mode.BULK
        for file in opened.files
        if file.table not in KIND_OF_TABLE
    }


def _placeholders(survey: Survey) -> list[r.Org]:
    """A school for each org that users name and nobody has: without it its people could not be asked for."""
    known = set(Record.objects.filter(kind="orgs", status="active").values_list("sourced_id", flat=True))
    return [
        r.Org(sourced_id=sourced_id, name=f"School {sourced_id}", type="school", identifier=sourced_id)
        for sourced_id in survey.missing_orgs(known)
    ]


def _whole_set_problems(survey: Survey, missing: list[r.Org], *, delta: bool) -> list[Problem]:
    problems = [Problem("missing_org", "users.csv", org.sourced_id, "orgSourcedIds") for org in missing]
    one_way = survey.one_way_links()
    if one_way and not delta:
        problems.append(
            Problem("one_way_agent", "users.csv", field="agentSourcedIds", detail=f"{one_way} links")
        )
    made = {org.sourced_id for org in missing}
    if not delta:  # a delta may refer to what is known already
        problems += [p for p in survey.references.dangling() if p.sourced_id not in made]
    return problems


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
