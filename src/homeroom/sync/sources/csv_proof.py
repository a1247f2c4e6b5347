"""Whether a CSV set is whole: what its manifest promises, what its files show, and what its rows have to do with each other.

No count is claimed anywhere in CSV. A file cut in the middle shows itself by a row that breaks off, by a last line that does
not end like those of the other files, and by rows elsewhere that name what is no longer there.
"""

import io
from collections.abc import Iterator, Sequence
from typing import IO

import xxhash

from homeroom.oneroster.bounds import Bounds
from homeroom.oneroster.bulk.as_json import Shape
from homeroom.oneroster.bulk.files import MOST_BYTES, BulkError
from homeroom.oneroster.bulk.lines import Line, lines
from homeroom.oneroster.bulk.manifest import ABSENT, BULK, DELTA
from homeroom.oneroster.bulk.rows import clean
from homeroom.oneroster.bulk.sets import BulkFile, BulkSet
from homeroom.oneroster.endpoints import V1P1
from homeroom.oneroster.tables import TABLES
from homeroom.problems import Problem
from homeroom.sync.reading import Evidence

_COLUMNS = {
    "orgs": ("sourcedId", "type"),
    "users": ("sourcedId",),
    "roles": ("sourcedId", "userSourcedId", "role", "orgSourcedId"),
}
NAMED_BY = {
    "enrollments": "userSourcedId",
    "demographics": "sourcedId",
}  # other files that must name users who are there
LEFT = ("tobedeleted", "inactive")
MOST_NAMED = 200  # problems of one file; who has more has one cause for them


def mark(sourced_id: str) -> int:
    """A sourcedId in eight bytes."""
    return xxhash.xxh3_64_intdigest(sourced_id.encode())


class Metered(io.RawIOBase):
    """The bytes of a file on their way: counted, summed up, bounded, and the last one kept."""

    def __init__(self, inner: IO[bytes], name: str, most: int) -> None:
        self._inner, self._name, self._most = inner, name, most
        self._sum = xxhash.xxh3_64()
        self.bytes, self.last = 0, b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override] # what BufferedReader hands over
        """Fills a buffer. Raises `BulkError` above the bound."""
        got = self._inner.read(len(buffer))
        buffer[: len(got)] = got
        self._sum.update(got)
        self.bytes += len(got)
        self.last = got[-1:] or self.last
        if self.bytes > self._most:
            raise BulkError(
                f"{self._name} is larger than {self._most // 1024**2:,} MB. Nothing more of it was read."
            )
        return len(got)

    @property
    def checksum(self) -> str:
        """Of all that was read."""
        return self._sum.hexdigest()


class File:
    """One file being read row by row: its evidence grows with it, and says what of it proves nothing."""

    def __init__(self, file: BulkFile, proof: Evidence, most: Bounds) -> None:
        self.file, self.proof = file, proof
        self.shape = Shape(file.header.names)
        self.problems: list[Problem] = []
        self.dated = True  # every row has a date, as in a delta
        self._most = most
        names = file.header.names
        self._width, self._id = len(names), names.index("sourcedId")
        self._dates = [names.index(name) for name in ("status", "dateLastModified") if name in names]
        self._lost = 0
        self.ends_in_line = True

    def place(self, column: str) -> int | None:
        """Where a column stands; None when the file has not got it."""
        names = self.file.header.names
        return names.index(column) if column in names else None

    def rows(self) -> Iterator[tuple[str, Line]]:
        """Each row that can be used, with its sourcedId. Raises `BulkError` when the bytes cannot be read."""
        for line in self.lines():
            if sourced_id := self._usable(line):
                yield sourced_id, line
        if self._lost and self.file.table in _COLUMNS:
            first = self.problems[0].row
            doubt(
                self.proof,
                f"{self._lost:,} rows of {self.file.name} cannot be used, the first in line {first}, and may be anybody's",
            )

    def lines(self) -> Iterator[Line]:
        """Each row that is not empty, usable or not; with the last one the evidence is whole. Raises `BulkError`."""
        name, proof = self.file.name, self.proof
        meter = Metered(self.file.open(), name, min(MOST_BYTES, self._most.collection_bytes))
        found = lines(meter, name)  # type: ignore[arg-type] # read like any file
        next(found, None)
        for line in found:
            if not any(line.cells):
                continue
            proof.received += 1
            if proof.received > self._most.rows:
                raise BulkError(
                    f"{name} has more than {self._most.rows:,} rows. Nothing more of it was read."
                )
            yield line
            proof.bytes = meter.bytes
        proof.bytes, proof.checksum, proof.pages = meter.bytes, meter.checksum, 1
        self.ends_in_line = meter.last in (b"\n", b"\r")
        proof.finished = True

    def _usable(self, line: Line) -> str:
        if len(line.cells) != self._width:
            self._lose("row_width", line, f"{len(line.cells)} cells, {self._width} columns")
            return ""
        if "line_break" in line.faults and any(cell.count(",") >= self._width - 1 for cell in line.cells):
            self._lose("bad_quoting", line, "rows below it may be inside it")
            return ""
        sourced_id = clean(line.cells[self._id])
        if not sourced_id:
            self._lose("missing_id", line)
        self.dated = self.dated and all(line.cells[place] for place in self._dates)
        return sourced_id

    def _lose(self, code: str, line: Line, detail: str = "") -> None:
        self._lost += 1
        if self._lost <= MOST_NAMED:
            self.problems.append(Problem(code, self.file.name, row=line.number, detail=detail))


def doubt(proof: Evidence, reason: str) -> None:
    """Notes why a file proves nothing about who is absent."""
    if reason not in proof.trouble:
        proof.trouble = f"{proof.trouble}; {reason}" if proof.trouble else reason


def needed(opened: BulkSet) -> tuple[str, ...]:
    """The files without which nobody is known to be gone."""
    return ("orgs", "users", *(("roles",) if "roles" in TABLES[opened.version] else ()))


def promised(opened: BulkSet, table: str, *, vouched: bool) -> str:
    """Why a needed file is not promised to be whole; "" when it is. `vouched`: an owner said so where no manifest does."""
    file, mode = opened.file(table), opened.said.mode(table)
    if file is None:
        return f"{table}.csv is not in the set, or has not its header"
    if mode in (DELTA, ABSENT):
        return f"manifest.csv calls {file.name} {mode}, so it holds changes and not everybody"
    missing = [name for name in _columns(opened, table) if name not in file.header.names]
    if missing:
        return f"{file.name} has no column {' and no '.join(missing)}"
    if mode != BULK and not vouched:
        return f"no manifest.csv says that {file.name} is bulk, so it may be a part"
    return ""


def _columns(opened: BulkSet, table: str) -> tuple[str, ...]:
    more = ("role", "orgSourcedIds") if table == "users" and opened.version == V1P1 else ()
    return (*_COLUMNS[table], *more)


def dated(file: File) -> str:
    """Why the rows of a file are changes though it is called bulk: where both disagree the rows count. "" when they do not."""
    if not (file.dated and file.proof.received):
        return ""
    return f"every row of {file.file.name} has a date, as only the rows of changes have"


def broken_off(files: Sequence[File]) -> Iterator[tuple[File, str]]:
    """Files whose last line does not end as the last lines of the others do: they were cut."""
    whole = [file for file in files if file.ends_in_line]
    for file in files:
        if whole and not file.ends_in_line:
            yield file, f"{file.file.name} breaks off within its last line"


def unknown(file: File, column: str, ids: set[int]) -> int:
    """How many rows of a file name somebody who is none of these."""
    place, status = file.place(column), file.place("status")
    if place is None:
        return 0
    missing = 0
    for line in file.lines():
        if len(line.cells) <= place or mark(line.cells[place]) in ids:
            continue  # nearly all: as it is written there, it is known
        gone = status is not None and line.cells[status].strip().lower() in LEFT
        missing += not gone and mark(clean(line.cells[place])) not in ids
    return missing
