"""OneRoster CSV, in and out: a folder, a zip or one file, versions 1.1 and 1.2, bulk and delta.

Good rows are given as records, bad rows are named as problems with file, row and field. Only what is no OneRoster set at
all raises `BulkError`. Memory stays flat but for the roles of 1.2, which must be at hand when their users come.
"""

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from homeroom.oneroster import rows
from homeroom.oneroster.endpoints import V1P1, V1P2
from homeroom.oneroster.records import Record, Role
from homeroom.oneroster.tables import COLUMNS, MANIFEST_FILES, READ_ORDER, REQUIRED, REQUIRED_FILES
from homeroom.problems import Problem

Row = dict[str, str]
Read = tuple[Record | None, tuple[Problem, ...]]
MOST_BYTES = 4 * 1024**3  # unpacked; a district of a million people has about 1 GiB
csv.field_size_limit(1_000_000)


class BulkError(Exception):
    """This is no OneRoster CSV set; the message says what was found and what to do."""


@dataclass(frozen=True, slots=True)
class BulkFile:
    """One file of the set: which table it is, its own name, how to open it, bulk or delta."""

    table: str
    name: str
    open: Callable[[], IO[bytes]]
    delta: bool = False


@dataclass(slots=True)
class BulkSet:
    """An opened set. `problems` are those of the set itself: manifest, file names, missing files."""

    version: str
    files: list[BulkFile]
    problems: list[Problem] = field(default_factory=list)
    archive: zipfile.ZipFile | None = None

    def read(self) -> Iterator[tuple[BulkFile, int, Read]]:
        """Every row of every file, in an order in which what is referred to comes first: file, row number, result."""
        roles: dict[str, list[Role]] = {}
        for file in sorted(self.files, key=lambda file: READ_ORDER.index(file.table)):
            if file.table == "roles":
                yield from ((file, number, (None, found)) for number, found in self._roles(file, roles))
            else:
                yield from self._records(file, roles)

    def _roles(
        self, file: BulkFile, roles: dict[str, list[Role]]
    ) -> Iterator[tuple[int, tuple[Problem, ...]]]:
        for number, row, problems in self._rows(file):
            if row is not None and row.get("status") != "tobedeleted":
                roles.setdefault(row["userSourcedId"], []).append(rows.role(row))
            yield number, problems

    def _records(self, file: BulkFile, roles: dict[str, list[Role]]) -> Iterator[tuple[BulkFile, int, Read]]:
        for number, row, problems in self._rows(file):
            if row is None:
                yield file, number, (None, problems)
                continue
            record, more = rows.record(file.table, row, roles, file.name, number)
            yield file, number, (record, (*problems, *more))

    def _rows(self, file: BulkFile) -> Iterator[tuple[int, Row | None, tuple[Problem, ...]]]:
        with text_of(file) as lines:
            reader = csv.reader(lines)
            header = [name.strip() for name in next(reader, [])]
            yield 1, None, tuple(self._header_problems(file, header))
            for cells in reader:
                if not any(cells):
                    continue
                number = reader.line_num
                if len(cells) != len(header):
                    detail = f"{len(cells)} cells, {len(header)} columns"
                    yield number, None, (Problem("row_width", file.name, row=number, detail=detail),)
                    continue
                row = dict(zip(header, (rows.clean(cell) for cell in cells), strict=True))
                yield (
                    number,
                    *rows.checked(file.table, row, self.version, file.name, number, delta=file.delta),
                )

    def _header_problems(self, file: BulkFile, header: list[str]) -> Iterator[Problem]:
        wanted = COLUMNS[self.version][file.table]
        plain = [name for name in header if not name.startswith("metadata.")]
        for name in wanted:
            if name not in header:
                yield Problem("header_missing", file.name, field=name, row=1)
        for name in plain:
            if name not in wanted:
                yield Problem("header_unknown", file.name, field=name[:60], row=1)
        known = [name for name in plain if name in wanted]
        if known != sorted(known, key=wanted.index):
            yield Problem("header_order", file.name, row=1)


@contextmanager
def text_of(file: BulkFile) -> Iterator[IO[str]]:
    """A file's text: UTF-8, its byte order mark skipped; bytes that are no UTF-8 become marks, not failures."""
    with io.TextIOWrapper(file.open(), encoding="utf-8-sig", errors="replace", newline="") as text:
        yield text


def open_set(path: Path) -> BulkSet:
    """The set at a path: a folder, a zip, or a single CSV file. Raises `BulkError`."""
    if not path.exists():
        raise BulkError(f"There is nothing at {path}. Name a OneRoster CSV folder, a zip or a CSV file.")
    if path.is_dir():
        found = {
            entry.name: _opener(entry) for entry in sorted(path.iterdir()) if entry.suffix.lower() == ".csv"
        }
        return _set_of(path, found)
    if path.suffix.lower() == ".csv":
        return _set_of(path, {path.name: _opener(path)})
    return _open_zip(path)


def _opener(path: Path) -> Callable[[], IO[bytes]]:
    return lambda: path.open("rb")


def _open_zip(path: Path) -> BulkSet:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as wrong:
        raise BulkError(
            f"{path.name} is not a zip file ({wrong}). Name a OneRoster CSV folder, a zip or a CSV file."
        ) from wrong
    entries = [entry for entry in archive.infolist() if entry.filename.lower().endswith(".csv")]
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise BulkError(
            f"{path.name} would unpack to more than {MOST_BYTES // 1024**3} GiB. Nothing was read."
        )
    # Only the last part of a name counts, so no entry can point outside; nothing is ever unpacked to disk.
    found = {Path(entry.filename).name: _entry_opener(archive, entry) for entry in entries}
    opened = _set_of(path, found)
    opened.archive = archive
    return opened


def _entry_opener(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: archive.open(entry)


def _set_of(path: Path, found: dict[str, Callable[[], IO[bytes]]]) -> BulkSet:
    problems: list[Problem] = []
    manifest = _manifest(found.pop("manifest.csv", None), problems)
    tables = [(table_of(name, problems), name, opener) for name, opener in found.items()]
    known = [(table, name, opener) for table, name, opener in tables if table]
    if not known and not manifest:
        raise BulkError(
            f"No OneRoster file is in {path.name}. A set has files such as users.csv, orgs.csv and manifest.csv; "
            "look whether they lie in a folder further down."
        )
    version = _version(manifest, known)
    files = []
    for table, name, opener in known:
        if table not in COLUMNS[version]:
            problems.append(Problem("manifest_file", name, detail=f"no such file in {version}"))
            continue
        delta = _is_delta(manifest, table, name, problems)
        files.append(BulkFile(table, name, opener, delta))
        _must_have_header(files[-1], version)
    _compare_with_manifest(manifest, {file.table for file in files}, version, problems)
    return BulkSet(version, files, problems)


def table_of(name: str, problems: list[Problem]) -> str:
    """Which table a file is: `users.csv` is users, and so, with a problem, is `users-2000-with-families.csv`."""
    stem = name[:-4]
    if stem in READ_ORDER:
        return stem
    for table in READ_ORDER:
        if re.match(rf"{table}(?![a-z])", stem, re.IGNORECASE):
            problems.append(Problem("file_name", name, detail=f"read as {table}.csv"))
            return table
    return ""


def _manifest(opener: Callable[[], IO[bytes]] | None, problems: list[Problem]) -> dict[str, str]:
    if opener is None:
        problems.append(Problem("missing_manifest", "manifest.csv"))
        return {}
    with text_of(BulkFile("manifest", "manifest.csv", opener)) as lines:
        return {row[0].strip(): row[1].strip() for row in csv.reader(lines) if len(row) >= 2}


def _version(manifest: dict[str, str], known: list[tuple[str, str, Callable[[], IO[bytes]]]]) -> str:
    said = manifest.get("oneroster.version", "")
    if said.startswith("1.2"):
        return V1P2
    if said.startswith("1.1"):
        return V1P1
    if any(table == "roles" for table, _, _ in known):
        return V1P2
    for table, name, opener in known:
        if table == "users":
            with text_of(BulkFile(table, name, opener)) as lines:
                return V1P1 if "role" in next(csv.reader(lines), []) else V1P2
    return V1P1


def _is_delta(manifest: dict[str, str], table: str, name: str, problems: list[Problem]) -> bool:
    mode = manifest.get(f"file.{table}", "")
    if manifest and mode not in ("bulk", "delta"):
        problems.append(
            Problem("manifest_property", name, field=f"file.{table}", detail=f"says {mode or 'nothing'}")
        )
    return mode == "delta"


def _must_have_header(file: BulkFile, version: str) -> None:
    with text_of(file) as lines:
        header = [name.strip() for name in next(csv.reader(lines), [])]
    if not header:
        raise BulkError(
            f"{file.name} is empty. A OneRoster file has at least its header row; export it again."
        )
    wanted = ("sourcedId", *REQUIRED[version][file.table])
    missing = [name for name in wanted if name not in header]
    if "sourcedId" not in header or len(missing) > len(wanted) // 2:
        raise BulkError(
            f"{file.name} has not the header of a OneRoster {version} {file.table} file: {', '.join(missing[:6])} "
            f"missing. Its first row must be: {','.join(COLUMNS[version][file.table][:8])},... Nothing was loaded."
        )


def _compare_with_manifest(
    manifest: dict[str, str], tables: set[str], version: str, problems: list[Problem]
) -> None:
    for name in MANIFEST_FILES[version] if manifest else ():
        mode = manifest.get(f"file.{name}", "")
        if mode in ("bulk", "delta") and name in COLUMNS[version] and name not in tables:
            problems.append(Problem("manifest_file", f"{name}.csv", detail="named, but not there"))
        if not mode:
            problems.append(Problem("manifest_property", "manifest.csv", field=f"file.{name}"))
    said = ("absent", "bulk", "delta")
    problems += [
        Problem("missing_file", f"{name}.csv")
        for name in REQUIRED_FILES[version]
        if tables and name not in tables and manifest.get(f"file.{name}") not in said
    ]


def write_set(path: Path, version: str, tables: dict[str, Iterable[Record]]) -> dict[str, int]:
    """Writes a bulk set as a zip and returns how many rows each file has. Files without rows are left out."""
    counts: dict[str, int] = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for table, records in tables.items():
            counts |= _write_table(archive, version, table, records)
        modes = {f"file.{name}": "bulk" if counts.get(name) else "absent" for name in MANIFEST_FILES[version]}
        manifest = {"manifest.version": "1.0", "oneroster.version": version, **modes}
        _write_rows(archive, "manifest", ("propertyName", "value"), manifest.items())
    return counts


def _write_table(
    archive: zipfile.ZipFile, version: str, table: str, records: Iterable[Record]
) -> dict[str, int]:
    columns = COLUMNS[version][table]
    written: list[list[str]] = []
    said: list[dict[str, object]] = []
    roles = []
    for record in records:
        row = rows.write(record, version)
        written.append([row.get(name, "") for name in columns])
        said.append(record.metadata)
        roles += rows.write_roles(record) if version == V1P2 and table == "users" else []
    words = sorted({word for metadata in said for word in metadata})
    for line, metadata in zip(written, said, strict=True):
        line += [str(metadata.get(word, "")) for word in words]
    header = [*columns, *(f"metadata.{word}" for word in words)]
    counts = {}
    for name, head, lines in ((table, header, written), ("roles", COLUMNS[version].get("roles", ()), roles)):
        if lines:
            counts[name] = len(lines)
            _write_rows(archive, name, head, lines)
    return counts


def _write_rows(
    archive: zipfile.ZipFile, name: str, header: Iterable[str], lines: Iterable[Iterable[str]]
) -> None:
    with io.TextIOWrapper(archive.open(f"{name}.csv", "w"), encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(header)
        writer.writerows(lines)


@dataclass(frozen=True, slots=True)
class Report:
    """What `check` found. `ok` = nothing at all to complain of."""

    version: str
    counts: dict[str, int]
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether the set is clean."""
        return not self.problems


def check(path: Path) -> Report:
    """Reads a whole set without keeping it: version, rows by file, every breach. Raises `BulkError`."""
    opened = open_set(path)
    counts: dict[str, int] = {file.table: 0 for file in opened.files}
    problems = list(opened.problems)
    references = rows.References()
    for file, number, (record, found) in opened.read():
        problems += found
        if number > 1:
            counts[file.table] += 1
        if record is not None:
            problems += references.add(file.table, record, file.name, number)
    for file in opened.files:
        if not counts[file.table]:
            problems.append(Problem("missing_value", file.name, detail="a header and no rows"))
    return Report(opened.version, counts, (*problems, *references.dangling()))
