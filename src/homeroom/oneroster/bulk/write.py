"""Writing a bulk set as a zip, in either version, row by row."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from homeroom.oneroster import records as r
from homeroom.oneroster.bulk.cells import Row
from homeroom.oneroster.endpoints import V1P1
from homeroom.oneroster.tables import COLUMNS, TABLES
from homeroom.oneroster.v1p1 import orgs_of, role_of
from homeroom.oneroster.v1p2 import ROLE_1P2

Tell = Callable[[str], Iterable[r.Record]]  # a kind ("users") to its records, as often as asked
_KINDS = ("orgs", "academicSessions", "courses", "classes", "users", "enrollments", "demographics")
_EXTENSION = "ext:"


def write_set(path: Path, version: str, tell: Tell) -> dict[str, int]:
    """Writes a bulk set and returns how many rows each file has. Files without rows are left out.

    So are agents, enrollments and demographics whose people or classes are not told: a bulk set names nothing else.
    What 1.1 cannot say is said as its REST service does: one record a person, with the role that counts most and the orgs of
    all roles, since several records would need ids that nobody knows. Of profiles and preferred names 1.1 knows nothing.
    """
    half = path.with_name(f"{path.name}.half")
    try:
        with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED) as archive:
            counts = _write_all(archive, version, tell)
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
    return counts


def _write_all(archive: zipfile.ZipFile, version: str, tell: Tell) -> dict[str, int]:
    counts: dict[str, int] = {}
    known: dict[str, set[str]] = {}
    for kind in _KINDS:
        ids, words = known.setdefault(kind, set()), set[str]()
        for record in tell(kind):
            ids.add(record.sourced_id)
            words |= record.metadata.keys()
        for table in _tables(kind, version):
            rows = _rows(table, version, _whole(tell(kind), known), sorted(words))
            counts[table] = _write(archive, table, _header(table, version, sorted(words)), rows)
    modes = {f"file.{table}": "bulk" if counts.get(table) else "absent" for table in sorted(TABLES[version])}
    manifest = {"manifest.version": "1.0", "oneroster.version": version, **modes}
    _write(archive, "manifest", ("propertyName", "value"), manifest.items())
    return {table: count for table, count in counts.items() if count}


def _tables(kind: str, version: str) -> tuple[str, ...]:
    return ("users", "roles", "userProfiles") if kind == "users" and version != V1P1 else (kind,)


def _header(table: str, version: str, words: list[str]) -> list[str]:
    """Metadata is that of the records themselves: roles and profiles have none."""
    return [*COLUMNS[version][table], *(f"metadata.{word}" for word in words if table not in _PARTS)]


def _whole(records: Iterable[r.Record], known: dict[str, set[str]]) -> Iterator[r.Record]:
    """The records without names of people and classes that are not there."""
    for record in records:
        match record:
            case r.User():
                agents = tuple(agent for agent in record.agents if agent in known["users"])
                yield record if agents == record.agents else replace(record, agents=agents)
            case r.Enrollment():
                if record.user in known["users"] and record.class_ in known["classes"]:
                    yield record
            case r.Demographics():
                if record.sourced_id in known["users"]:
                    yield record
            case _:
                yield record


def _rows(table: str, version: str, records: Iterable[r.Record], words: list[str]) -> Iterator[list[str]]:
    columns = COLUMNS[version][table]
    for record in records:
        if table in _PARTS:
            for row in _PARTS[table](record):
                yield [row.get(name, "") for name in columns]
        else:
            row = cells_of(record, version)
            yield [*(row.get(name, "") for name in columns), *(_extra(record, word) for word in words)]


def _extra(record: r.Record, word: str) -> str:
    said = record.metadata.get(word, "")
    return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)


def _write(archive: zipfile.ZipFile, table: str, header: Iterable[str], rows: Iterable[Iterable[str]]) -> int:
    """Writes one file, unless there is nothing to write: a file without rows is against the standard."""
    waiting = iter(rows)
    first = next(waiting, None)
    if first is None:
        return 0
    count = 0
    with io.TextIOWrapper(
        archive.open(f"{table}.csv", "w", force_zip64=True), encoding="utf-8", newline=""
    ) as text:
        writer = csv.writer(text)
        writer.writerow(header)
        for row in chain((first,), waiting):
            writer.writerow([_one_line(cell) for cell in row])
            count += 1
    return count


def _one_line(cell: str) -> str:
    return " ".join(cell.splitlines()) if "\n" in cell or "\r" in cell else cell


_COLUMN_OF: dict[type[r.Record], dict[str, str]] = {
    r.Org: {"parent": "parentSourcedId"},
    r.AcademicSession: {"parent": "parentSourcedId"},
    r.Course: {"school_year": "schoolYearSourcedId", "org": "orgSourcedId"},
    r.Class: {"course": "courseSourcedId", "school": "schoolSourcedId", "terms": "termSourcedIds"},
    r.Enrollment: {"user": "userSourcedId", "class_": "classSourcedId", "school": "schoolSourcedId"},
    r.User: {"agents": "agentSourcedIds", "enabled": "enabledUser", "primary_org": "primaryOrgSourcedId"},
}
_SKIPPED = ("status", "modified", "metadata", "children", "flags", "roles", "user_ids", "profiles")


def cells_of(record: r.Record, version: str) -> Row:
    """The cells of a record's bulk row, by column name. Bulk rows leave status and date empty."""
    names = _COLUMN_OF.get(type(record), {})
    row = {
        names.get(name, _camel(name)): _cell(getattr(record, name))
        for name in record.__struct_fields__
        if name not in _SKIPPED
    }
    if isinstance(record, r.Demographics):
        row |= {name: _cell(flag) for name, flag in record.flags.items()}
    if isinstance(record, r.User):
        row["userIds"] = ",".join(_pair(one) for one in record.user_ids)
    return row | _said_in_1p1(record) if version == V1P1 else row


def _said_in_1p1(record: r.Record) -> Row:
    """The cells that 1.1 fills otherwise. Its words are closed: those of one's own become the nearest, or stay unsaid.

    An aide is in 1.1 whoever is none of the others, a guardian's own word is still a guardian's; only a school has classes.
    """
    match record:
        case r.User():
            return {"role": _role_1p1(role_of(record)), "orgSourcedIds": ",".join(orgs_of(record))}
        case r.Org() if record.type.startswith(_EXTENSION):
            return {"type": "school"}
        case r.AcademicSession() if record.type.startswith(_EXTENSION):
            return {"type": "term"}
        case r.Class() if record.class_type.startswith(_EXTENSION):
            return {"classType": "scheduled"}
        case r.Enrollment() if record.role.startswith(_EXTENSION):
            return {"role": "proctor"}
        case r.Demographics() if record.sex not in ("female", "male"):
            return {"sex": ""}
        case _:
            return {}


def _role_1p1(word: str) -> str:
    if not word.startswith(_EXTENSION):
        return word
    return next((known for known in ("guardian", "parent", "relative") if known in word.lower()), "aide")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(item.replace(",", " ") for item in value)
    return "" if value is None else str(value)


def _pair(one: r.UserId) -> str:
    """{type:id}; what would end either of them is left out."""
    said = (text.translate(str.maketrans("", "", "{},:")) for text in (one.type or "local", one.identifier))
    return f"{{{':'.join(said)}}}"


def _roles(record: r.Record) -> Iterator[Row]:
    """A user's rows of roles.csv. A role without an id of its own is called by its user's and its place."""
    for number, role in enumerate(record.roles if isinstance(record, r.User) else (), 1):
        yield {
            "sourcedId": role.sourced_id or f"{record.sourced_id}.{number}"[-255:],
            "userSourcedId": record.sourced_id,
            "roleType": role.role_type,
            "role": ROLE_1P2.get(role.role, role.role),
            "beginDate": role.begin_date,
            "endDate": role.end_date,
            "orgSourcedId": role.org,
            "userProfileSourcedId": role.user_profile,
        }


def _profiles(record: r.Record) -> Iterator[Row]:
    for profile in record.profiles if isinstance(record, r.User) else ():
        yield {
            "sourcedId": profile.sourced_id,
            "userSourcedId": record.sourced_id,
            "profileType": profile.profile_type,
            "vendorId": profile.vendor_id,
            "applicationId": profile.application_id,
            "description": profile.description,
            "credentialType": profile.credential_type,
            "username": profile.username,
        }


_PARTS: dict[str, Callable[[r.Record], Iterator[Row]]] = {"roles": _roles, "userProfiles": _profiles}
