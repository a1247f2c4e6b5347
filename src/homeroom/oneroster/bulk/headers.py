"""The header of a file: which of its columns is which, read by name however it is written, each oddity named."""

from dataclasses import dataclass, field

from homeroom.oneroster.endpoints import V1P1
from homeroom.oneroster.tables import OLD_NAMES, TABLES, USERS_BEFORE, Column
from homeroom.problems import Problem

METADATA = "metadata."


@dataclass(slots=True)
class Header:
    """The columns of a file by the standard's names; an empty name is a column that is not read."""

    names: list[str]
    problems: list[Problem] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)  # columns of the standard that are not there
    usable: bool = True


def read(table: str, version: str, file: str, cells: list[str]) -> Header:
    """The header that a file's first row is. It is usable when it has the sourcedId and most of what must be filled."""
    before = table == "users" and version != V1P1 and "resourceSourcedIds" in cells
    columns = USERS_BEFORE if before else TABLES[version][table]
    header = Header([])
    for number, cell in enumerate(cells, 1):
        header.names.append(_named(header, table, columns, file, cell, number))
    if before:
        header.problems.append(Problem("header_before", file, field="resourceSourcedIds", row=1))
    header.missing = [column.name for column in columns if column.name not in header.names]
    header.problems += [Problem("header_missing", file, field=name, row=1) for name in header.missing]
    _order(header, columns, file)
    wanted = ["sourcedId", *(column.name for column in columns if column.required)]
    lost = [name for name in wanted if name not in header.names]
    header.usable = "sourcedId" in header.names and len(lost) <= len(wanted) // 2
    return header


def _named(header: Header, table: str, columns: tuple[Column, ...], file: str, cell: str, number: int) -> str:
    """The name of a column; empty when another column has it already, or it has none."""
    known = {column.name.lower(): column.name for column in columns}
    plain = cell.strip()
    name = known.get(plain.lower()) or OLD_NAMES.get(table, {}).get(plain, "")
    extra = plain[len(METADATA) :] if plain.lower().startswith(METADATA) else ""
    if extra:
        name = METADATA + extra
    said = plain[:60] or f"column {number}"
    if not name:
        header.problems.append(Problem("header_unknown", file, field=said, row=1))
        name = plain
    elif name != cell:
        header.problems.append(Problem("header_name", file, field=said, row=1, detail=f"it is {name[:60]}"))
    if name and name in header.names:
        header.problems.append(Problem("header_twice", file, field=said, row=1))
        return ""
    return name


def _order(header: Header, columns: tuple[Column, ...], file: str) -> None:
    wanted = [column.name for column in columns if column.name in header.names]
    found = [name for name in header.names if name in wanted]
    for there, name in zip(found, wanted, strict=True):
        if there != name:
            detail = f"the order is {','.join(column.name for column in columns)}"
            header.problems.append(Problem("header_order", file, field=there, row=1, detail=detail))
            return
    last = max((place for place, name in enumerate(header.names) if name in wanted), default=0)
    header.problems += [
        Problem("metadata_place", file, field=name[:60], row=1)
        for name in header.names[:last]
        if name.startswith(METADATA)
    ]
