"""manifest.csv: which version a set has, and how each of its files is to be read (FACTS 7.2)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO

from homeroom.oneroster.bulk.files import readable
from homeroom.oneroster.bulk.lines import lines
from homeroom.oneroster.endpoints import V1P1, V1P2
from homeroom.oneroster.tables import TABLES
from homeroom.problems import Problem

NAME = "manifest.csv"
BULK, DELTA, ABSENT = "bulk", "delta", "absent"
_HEADER = ["propertyName", "value"]
_VERSIONS = {"1.1": V1P1, "1.1.1": V1P1, "1.2": V1P2, "1.2.1": V1P2}
_SOURCE = ("source.systemName", "source.systemCode")


@dataclass(slots=True)
class Manifest:
    """What manifest.csv says: each property with its value and row. Without the file it says nothing."""

    there: bool = False
    said: dict[str, tuple[str, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def version(self) -> str:
        """1.1 or 1.2; empty when the manifest does not say."""
        value = self.value("oneroster.version")
        return _VERSIONS.get(value) or _VERSIONS.get(value[:3], "")

    def value(self, name: str) -> str:
        """The value of a property, empty when it is not there."""
        return self.said.get(name, ("", 0))[0]

    def mode(self, table: str) -> str:
        """bulk, delta or absent; empty when the manifest does not say."""
        word = self.value(f"file.{table}").lower()
        return word if word in (BULK, DELTA, ABSENT) else ""


def read(opener: Callable[[], IO[bytes]] | None) -> Manifest:
    """The manifest of a set, with what is wrong in its rows. Raises `BulkError` when its bytes cannot be read."""
    if opener is None:
        return Manifest(problems=[Problem("missing_manifest", NAME)])
    manifest = Manifest(there=True)
    with readable(NAME):
        rows = lines(opener(), NAME)
        first = next(rows, None)
        if first is None or first.cells != _HEADER:
            manifest.problems.append(_wrong("", 1, f"the first row is {','.join(_HEADER)}"))
        if first is not None and [cell.strip().lower() for cell in first.cells] != ["propertyname", "value"]:
            _note(manifest, first.number, first.cells)
        for row in rows:
            manifest.problems += [Problem(fault, NAME, row=row.number) for fault in row.faults]
            _note(manifest, row.number, row.cells)
    return manifest


def _wrong(name: str, row: int | None, detail: str) -> Problem:
    return Problem("manifest_property", NAME, field=name[:60] or None, row=row, detail=detail)


def _note(manifest: Manifest, number: int, cells: list[str]) -> None:
    if not any(cells):
        manifest.problems.append(Problem("empty_row", NAME, row=number))
        return
    name = cells[0].strip()
    if len(cells) != len(_HEADER):
        manifest.problems.append(_wrong(name, number, "a row has a name and a value"))
    if name in manifest.said:
        manifest.problems.append(_wrong(name, number, "it is there twice; the first counts"))
    else:
        manifest.said[name] = (cells[1].strip() if len(cells) > 1 else "", number)


def faults(manifest: Manifest, version: str) -> Iterator[Problem]:
    """What is missing, unknown or of a wrong value in the manifest of a set of a version."""
    if not manifest.there:
        return
    wanted = {"manifest.version": ("1.0",), "oneroster.version": tuple(_VERSIONS)}
    wanted |= {f"file.{table}": (BULK, DELTA, ABSENT) for table in TABLES[version]}
    for name, values in wanted.items():
        value, row = manifest.said.get(name, ("", None))
        if row is None:
            yield _wrong(name, None, "it is not there")
        elif value not in values:
            yield _wrong(name, row, f"it is {' or '.join(values[:3])}")
    for name, (_, row) in manifest.said.items():
        if name not in wanted and name not in _SOURCE:
            yield _wrong(name, row, f"{version} has no such property")
