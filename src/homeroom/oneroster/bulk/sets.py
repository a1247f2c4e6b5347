"""OneRoster CSV sets, versions 1.1 and 1.2, bulk and delta: opened leniently, read row by row, each fault named.

Good rows are given as records, bad rows as problems with file, row and field. Only what is no OneRoster set at all raises
`BulkError`. Memory stays flat: what rows have to do with each other is for others to keep (`between`, `parts`).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from homeroom.oneroster.bulk import headers, manifest, rows
from homeroom.oneroster.bulk.cells import BAD_ID, Row, breaches
from homeroom.oneroster.bulk.files import BulkError, Files, find, readable
from homeroom.oneroster.bulk.lines import Line, lines
from homeroom.oneroster.bulk.manifest import BULK, DELTA, Manifest
from homeroom.oneroster.bulk.parts import Part
from homeroom.oneroster.endpoints import V1P1, V1P2
from homeroom.oneroster.records import LONGEST_ID, Record
from homeroom.oneroster.tables import COLUMNS, READ_ORDER, SMALLEST_SET, TABLES
from homeroom.problems import Problem

Opener = Callable[[], IO[bytes]]
_ROSTER = frozenset(("users", "classes", "courses", "enrollments"))


@dataclass(frozen=True, slots=True)
class BulkFile:
    """One file of the set: which table it is, its own name, how to open it, bulk or delta, and its columns."""

    table: str
    name: str
    open: Opener
    delta: bool
    header: headers.Header


@dataclass(frozen=True, slots=True)
class Read:
    """One row: where it stands, its cells, the record or part of a record that it is, and what is wrong with it.

    Without cells the row could not be used at all. What is said of a file as a whole is said at row 1, its header.
    """

    file: BulkFile
    number: int
    cells: Row | None = None
    record: Record | None = None
    part: Part | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(slots=True)
class BulkSet:
    """An opened set. `problems` are those of the set itself: manifest, files, headers that are none (`unusable`)."""

    version: str
    files: list[BulkFile]
    problems: list[Problem] = field(default_factory=list)
    unusable: list[str] = field(default_factory=list)
    said: Manifest = field(default_factory=Manifest)

    def file(self, table: str) -> BulkFile | None:
        """The file of a table, if the set has it and it can be read."""
        return next((file for file in self.files if file.table == table), None)

    def read(self) -> Iterator[Read]:
        """Every row of every file, what is referred to first. Raises `BulkError` when a file's bytes cannot be read."""
        for file in sorted(self.files, key=lambda file: READ_ORDER.index(file.table)):
            with readable(file.name):
                found = lines(file.open(), file.name)
                next(found)
                yield Read(file, 1, problems=tuple(file.header.problems))
                yield from self._rows(file, found)

    def _rows(self, file: BulkFile, found: Iterator[Line]) -> Iterator[Read]:
        width, blank, passwords = len(file.header.names), False, False
        for line in found:
            if not any(line.cells):
                if not blank:  # of many empty rows the first tells of all
                    yield Read(file, 1, problems=(Problem("empty_row", file.name, row=line.number),))
                blank = True
                continue
            blank = False
            if len(line.cells) != width:
                detail = f"{len(line.cells)} cells, {width} columns"
                problem = Problem("row_width", file.name, row=line.number, detail=detail)
                yield Read(file, line.number, problems=(*_written(file, line, ""), problem))
            else:
                yield (read := self._row(file, line))
                if read.cells is not None and read.cells.get("password") and not passwords:
                    passwords = True  # the first one tells of all
                    yield Read(
                        file, 1, problems=(Problem("password", file.name, field="password", row=line.number),)
                    )

    def _row(self, file: BulkFile, line: Line) -> Read:
        row = dict(zip(file.header.names, line.cells, strict=True))
        sourced_id = rows.clean(row["sourcedId"])
        written = _written(file, line, sourced_id)
        if not sourced_id:
            problem = Problem("missing_id", file.name, field="sourcedId", row=line.number)
            return Read(file, line.number, problems=(*written, problem))
        if len(sourced_id) > LONGEST_ID:
            problem = Problem("bad_id", file.name, sourced_id[:40], "sourcedId", line.number, BAD_ID)
            return Read(file, line.number, problems=(*written, problem))
        found = breaches(file.table, row, self.version, delta=file.delta)
        problems = tuple(
            Problem(code, file.name, sourced_id, name, line.number, detail)
            for code, name, detail in found
            if name not in file.header.missing  # said once, of the header
        )
        row = {name: rows.clean(cell) for name, cell in row.items() if name}
        row = rows.without_long_ids(file.table, self.version, row)
        record, part = rows.said(file.table, row)
        return Read(file, line.number, row, record, part, (*written, *problems))


def _written(file: BulkFile, line: Line, sourced_id: str) -> list[Problem]:
    """What is wrong with how a row is written, rather than with what it says."""
    problems = [Problem(fault, file.name, sourced_id or None, row=line.number) for fault in line.faults]
    for name, cell in zip(file.header.names, line.cells, strict=False):
        if "\0" in cell:
            problems.append(Problem("nul", file.name, sourced_id or None, name, line.number))
        if "\ufffd" in cell:
            problems.append(Problem("not_utf8", file.name, sourced_id or None, name, line.number))
    return problems


def open_set(path: Path) -> BulkSet:
    """The set at a path: a folder, a zip, or a single CSV file. Raises `BulkError`."""
    return set_of(find(path))


def set_of(files: Files) -> BulkSet:
    """The set that these files are. Raises `BulkError`."""
    problems = files.problems
    said = manifest.read(files.found.pop(manifest.NAME, None))
    known = [
        (table, name, opener) for name, opener in files.found.items() if (table := table_of(name, problems))
    ]
    if not known and not said.there:
        raise BulkError(
            f"No OneRoster file is in {files.name}. A set has files such as users.csv, orgs.csv and manifest.csv; "
            "look whether they lie in a folder further down."
        )
    opened = BulkSet(said.version or _version(known), [], problems, said=said)
    problems += [*said.problems, *manifest.faults(said, opened.version)]
    for table, name, opener in known:
        _add(opened, said, table, name, opener)
    problems += _missing(said, opened)
    return opened


def table_of(name: str, problems: list[Problem]) -> str:
    """Which table a file is: `users.csv` is users, and so, with a problem, is `users-2000-with-families.csv`."""
    stem = name[:-4]
    if stem in READ_ORDER and name.endswith(".csv"):
        return stem
    for table in READ_ORDER:
        if re.match(rf"{table}(?![a-z])", stem, re.IGNORECASE):
            problems.append(Problem("file_name", name[:80], detail=f"read as {table}.csv"))
            return table
    problems.append(Problem("extra_file", name[:80]))
    return ""


def _version(known: list[tuple[str, str, Opener]]) -> str:
    """The version of a set whose manifest does not say: told from the files that are there and the header of users."""
    if any(table in COLUMNS[V1P2] and table not in COLUMNS[V1P1] for table, _, _ in known):
        return V1P2
    for table, name, opener in known:
        if table == "users":
            return V1P1 if "role" in _first(name, opener) else V1P2
    return V1P1


def _first(name: str, opener: Opener) -> list[str]:
    with readable(name):
        line = next(lines(opener(), name), None)
    return line.cells if line is not None else []


def _add(opened: BulkSet, said: Manifest, table: str, name: str, opener: Opener) -> None:
    if table not in TABLES[opened.version]:
        opened.problems.append(Problem("manifest_file", name, detail=f"{opened.version} has no such file"))
        return
    if any(file.table == table for file in opened.files):
        opened.problems.append(Problem("file_twice", name))
        return
    header = headers.read(table, opened.version, name, first := _first(name, opener))
    if not header.usable:
        opened.unusable.append(_no_header(opened.version, table, name, first))
        opened.problems.append(Problem("no_header", name, row=1))
        return
    # What the manifest calls absent is no proof that anything else is gone: it is read as changes.
    delta = said.mode(table) not in (BULK, "")
    opened.files.append(BulkFile(table, name, opener, delta, header))


_OTHER_MARKS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def _no_header(version: str, table: str, name: str, first: list[str]) -> str:
    if not any(first):
        return f"{name} is empty. A OneRoster file has at least its header row; export it again."
    other = next(
        (word for mark, word in _OTHER_MARKS.items() if len(first) == 1 and f"sourcedId{mark}" in first[0]),
        "",
    )
    if other:
        return f"{name} parts its cells by {other}. OneRoster wants commas: choose them where it is exported."
    wanted = [column.name for column in TABLES[version][table] if column.required]
    missing = [column for column in wanted if column not in first]
    return (
        f"{name} has not the header of a OneRoster {version} {table} file: {', '.join(missing[:6])} missing. "
        f"Its first row must be: {','.join(COLUMNS[version][table][:8])},..."
    )


def _missing(said: Manifest, opened: BulkSet) -> Iterator[Problem]:
    """Files and manifest that disagree, files that others stand on, and what the smallest rostering set has besides."""
    there = {file.table for file in opened.files}
    for file in opened.files:
        if said.there and said.mode(file.table) == manifest.ABSENT:
            yield Problem(
                "manifest_file", file.name, field=f"file.{file.table}", detail="it is called absent"
            )
    for table in TABLES[opened.version]:
        if said.mode(table) in (BULK, DELTA) and table not in there:
            yield Problem("manifest_file", f"{table}.csv", field=f"file.{table}", detail="it is not there")
    bulk = {file.table for file in opened.files if not file.delta}
    needed = {target for table in bulk for target in _stands_on(opened.version, table)} - there
    yield from (Problem("missing_file", f"{table}.csv") for table in sorted(needed))
    if bulk & _ROSTER:
        rest = sorted(set(SMALLEST_SET[opened.version]) - there - needed)
        if rest:
            yield Problem("smallest_set", manifest.NAME, detail=", ".join(f"{table}.csv" for table in rest))


def _stands_on(version: str, table: str) -> set[str]:
    """The files whose rows a bulk file must name; users of 1.2 have their roles in another file (FACTS 7.5)."""
    named = {column.of for column in TABLES[version][table] if column.required and column.is_reference}
    if table == "demographics":
        named.add("users")
    if table == "users" and version != V1P1:
        named |= {"roles", "orgs"}
    return named - {""}
