"""Filters and sorts as SQL. Every value is a bound parameter, and so is every name: none comes into the text of SQL.

What a comparison means where the standard is silent is told in docs/oneroster-server.md, and read plainly in the tests.
"""

import json
import re
from typing import Any

from django.db import connection

from homeroom.oneroster.endpoints import V1P1
from homeroom.oneroster.fields import TOP, Found, find
from homeroom.oneroster.filter import Clause, Filter, FilterError, moment

Sql = tuple[str, list[Any]]
_COLUMNS = {"sourcedId": "sourced_id", "status": "status"}


class UnknownField(Exception):
    """A field that records of this kind do not have; the message names it."""


def where(wanted: Filter, version: str, kind: str, base: str) -> Sql:
    """A filter as a condition; `base` is what hrefs begin with. Raises `UnknownField`, and `FilterError` for a time that is none."""
    alternatives = [
        [_clause(clause, version, kind, base) for clause in clauses] for clauses in wanted.alternatives
    ]
    text = " OR ".join("(" + " AND ".join(sql for sql, _ in clauses) + ")" for clauses in alternatives)
    return f"({text})", [value for clauses in alternatives for _, values in clauses for value in values]


def order(field: str | None, direction: str, version: str, kind: str) -> Sql:
    """The ORDER BY of a sort, ties broken by sourcedId; a list goes by its first value. Raises `UnknownField`."""
    if not field or field == "sourcedId":
        return f"sourced_id {direction}", []
    if field == "dateLastModified":
        return f"modified {direction}, sourced_id", []
    if field in _COLUMNS:
        return f"{_COLUMNS[field]} {direction}, sourced_id", []
    found = find(version, kind, field) or (
        Found((field,), False, "text") if field in TOP[version][kind] else None
    )
    if found is None:
        raise UnknownField(field[:100])
    value, names = _first(found, version) if found.several else _scalar(found, version)
    return f'{value} COLLATE "C" {direction} NULLS LAST, sourced_id', names


def _clause(clause: Clause, version: str, kind: str, base: str) -> Sql:
    found = find(version, kind, clause.field)
    if found is None:
        raise UnknownField(clause.field[:100])
    if clause.field == "dateLastModified" and clause.operator != "~":
        return _time(clause)
    clause = Clause(clause.field, clause.operator, _meant(clause, found))
    if found.several:
        return _list(clause, found, version, base)
    if clause.field in _COLUMNS:
        return _compare(_COLUMNS[clause.field], [], clause)
    return _compare(*_absolute(*_scalar(found, version), found, base), clause)


def _meant(clause: Clause, found: Found) -> str:
    """A value as records write it: flags in lower case, and of a time the day where a field holds days."""
    if found.holds == "flag":
        return clause.value.lower()
    a_day = found.holds == "day" and clause.operator != "~" and _TIME_OF_DAY.match(clause.value)
    return clause.value[:10] if a_day else clause.value


_TIME_OF_DAY = re.compile(r"\d{4}-\d\d-\d\d[T ]")


def _document(version: str) -> str:
    return "v1p1::jsonb" if version == V1P1 else "v1p2::jsonb"


def _scalar(found: Found, version: str) -> Sql:
    return f"({_document(version)} #>> %s::text[])", [list(found.names)]


def _path(found: Found) -> str:
    return "lax $" + "".join(f".{json.dumps(name)}[*]" for name in found.names)


def _first(found: Found, version: str) -> Sql:
    return f"(jsonb_path_query_first({_document(version)}, %s::jsonpath) #>> '{{}}')", [_path(found)]


def _absolute(value: str, names: list[Any], found: Found, base: str) -> Sql:
    """An href as it is sent: stored ones begin with `~/`."""
    return (f"replace({value}, '~/', %s)", [*names, base]) if found.holds == "href" else (value, names)


def _lowered(value: str) -> str:
    """A text in lower case, whatever language the database was made for (which PostgreSQL can say since 17)."""
    version = connection.pg_version  # type: ignore[attr-defined] # of PostgreSQL's wrapper, and asked once
    return f'lower({value} COLLATE "pg_c_utf8")' if version >= 170000 else f"lower({value})"


def _compare(value: str, names: list[Any], clause: Clause) -> Sql:
    """What is not there compares as an empty text, but comes neither before nor after anything."""
    said = f"coalesce({value}, '')"
    if clause.operator == "=":
        return (f"{value} = %s" if clause.value else f"{said} = %s"), [*names, clause.value]
    if clause.operator == "!=":
        return f"{said} <> %s", [*names, clause.value]
    if clause.operator == "~":
        return f"position({_lowered('%s')} IN {_lowered(said)}) > 0", [clause.value, *names]
    return f'{value} COLLATE "C" {clause.operator} %s', [*names, clause.value]


def _list(clause: Clause, found: Found, version: str, base: str) -> Sql:
    one, more = _absolute("v #>> '{}'", [], found, base)
    held = f"(SELECT coalesce(array_agg({one}), '{{}}') FROM jsonb_path_query({_document(version)}, %s::jsonpath) AS v)"
    names = [*more, _path(found)]
    parts = [part.strip() for part in clause.value.split(",")]
    if clause.operator in ("=", "!="):
        return _holds_all(clause, held, names, parts)
    if clause.operator == "~":
        test = f"EXISTS (SELECT FROM unnest({held}) AS x, unnest(%s::text[]) AS y WHERE position({_lowered('y')} IN {_lowered('x')}) > 0)"
        return test, [*names, parts]
    return f'EXISTS (SELECT FROM unnest({held}) AS x WHERE x COLLATE "C" {clause.operator} %s)', [
        *names,
        clause.value,
    ]


def _holds_all(clause: Clause, held: str, names: list[Any], parts: list[str]) -> Sql:
    """Whether a list holds all the values of a comma list; an empty value asks for an empty list."""
    text, values = f"{held} @> %s::text[]", [*names, parts]
    if not clause.value:
        text, values = f"cardinality({held}) = 0", names
    if clause.operator == "!=":
        return f"(NOT {text})", values
    if clause.field == "roles.role" and clause.value:  # a cheap condition that must hold as well
        return f"(roles @> %s::text[] AND {text})", [parts, *values]
    return f"({text})", values


def _time(clause: Clause) -> Sql:
    asked = moment(clause.value)
    if asked is None:
        raise FilterError("dateLastModified is compared with a time, such as 2026-01-31T00:00:00Z")
    return f"modified {'<>' if clause.operator == '!=' else clause.operator} %s", [asked]
