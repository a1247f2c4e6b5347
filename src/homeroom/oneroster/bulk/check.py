"""Checking a set: every breach of the standard, with file, row and field, without a database."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from homeroom.oneroster.bulk.between import Between
from homeroom.oneroster.bulk.files import BulkError
from homeroom.oneroster.bulk.sets import open_set
from homeroom.problems import NOTE, Problem

MOST_PROBLEMS = 1_000_000  # kept; who has more has an export that is wrong as a whole


@dataclass(frozen=True, slots=True)
class Report:
    """What `check` found: version, rows by table, problems. `ok` when none of them is a breach; notes are none."""

    version: str
    counts: dict[str, int]
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether the set keeps to the standard."""
        return all(problem.severity == NOTE for problem in self.problems)


def check(path: Path) -> Report:
    """Reads a whole set without keeping it. Raises `BulkError` when it is none."""
    opened = open_set(path)
    if opened.unusable and not opened.files:
        raise BulkError(opened.unusable[0])
    counts = Counter({file.table: 0 for file in opened.files})
    problems = list(opened.problems)
    between = Between(opened)
    for read in opened.read():
        counts[read.file.table] += read.number > 1
        problems += read.problems
        problems += between.add(read)
        if len(problems) > MOST_PROBLEMS:
            raise BulkError(
                f"{read.file.name} has more faults than can be listed. Is it a OneRoster file at all?"
            )
    problems += [Problem("no_rows", file.name) for file in opened.files if not counts[file.table]]
    # A delta may name what its reader knows already.
    problems += [
        one.problem("not_in_set" if one.delta else "dangling_reference") for one in between.open_references()
    ]
    return Report(opened.version, dict(counts), (*problems, *between.at_the_end()))
