"""Filters and sorts as SQL. Every value is a bound parameter, and so is every name: none comes into the text of SQL."""

from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_date, parse_datetime

from homeroom.oneroster.endpoints import V1P1
from homeroom.oneroster.fields import is_field, is_list
from homeroom.oneroster.filter import Clause, Filter

Sql = tuple[str, list[Any]]
_COLUMNS = {"sourcedId": "sourced_id", "status": "status"}


class UnknownField(Exception):
    """A field that records of this kind do not have; the message names it."""


def where(wanted: Filter, version: str, kind: str) -> Sql:
    """A filter as a condition. Raises `UnknownField`."""
    alternatives = [[_clause(clause, version, kind) for clause in clauses] for clauses in wanted.alternatives]
    text = " OR ".join("(" + " AND ".join(sql for sql, _ in clauses) + ")" for clauses in alternatives)
    return f"({text})", [value for clauses in alternatives for _, values in clauses for value in values]


def order(field: str | None, direction: str, version: str, kind: str) -> Sql:
    """The ORDER BY of a sort, ties broken by sourcedId. Raises `UnknownField`."""
    if field is None or field == "sourcedId":
        return f"sourced_id {direction}", []
    _must_exist(field, version, kind)
    if field in _COLUMNS:
        return f"{_COLUMNS[field]} {direction}, sourced_id", []
    if field == "dateLastModified":
        return f"modified {direction}, sourced_id", []
    value, names = _scalar(field, version)
    return f'{value} COLLATE "C" {direction} NULLS LAST, sourced_id', names


def _must_exist(field: str, version: str, kind: str) -> None:
    if not is_field(version, kind, field):
        raise UnknownField(field[:100])


def _clause(clause: Clause, version: str, kind: str) -> Sql:
    _must_exist(clause.field, version, kind)
    if clause.field == "dateLastModified":
        return _date(clause)
    if clause.field in _COLUMNS:
        return _compare(_COLUMNS[clause.field], [], clause)
    if is_list(clause.field):
        return _list(clause, version)
    return _compare(*_scalar(clause.field, version), clause)


def _document(version: str) -> str:
    return "v1p1::jsonb" if version == V1P1 else "v1p2::jsonb"


def _scalar(field: str, version: str) -> Sql:
    return f"({_document(version)} #>> %s::text[])", [field.split(".")]


def _compare(value: str, names: list[Any], clause: Clause) -> Sql:
    if clause.operator == "=":
        return f"{value} = %s", [*names, clause.value]
    if clause.operator == "!=":
        return f"{value} IS DISTINCT FROM %s", [*names, clause.value]
    if clause.operator == "~":
        return f"position(lower(%s) IN lower({value})) > 0", [clause.value, *names]
    return f'{value} COLLATE "C" {clause.operator} %s', [*names, clause.value]


def _list(clause: Clause, version: str) -> Sql:
    path = "lax $" + "".join(f'."{name}"[*]' for name in clause.field.split("."))
    found = f"(SELECT coalesce(array_agg(v #>> '{{}}'), '{{}}') FROM jsonb_path_query({_document(version)}, %s::jsonpath) AS v)"
    parts = clause.value.split(",")
    shortcut, more = _by_column(clause, parts)
    if clause.operator == "=":
        return f"({shortcut}{found} @> %s::text[])", [*more, path, parts]
    if clause.operator == "!=":
        return f"(NOT {found} @> %s::text[])", [path, parts]
    if clause.operator == "~":
        test = "EXISTS (SELECT FROM unnest({0}) AS x, unnest(%s::text[]) AS y WHERE position(lower(y) IN lower(x)) > 0)"
        return test.format(found), [path, parts]
    return f'EXISTS (SELECT FROM unnest({found}) AS x WHERE x COLLATE "C" {clause.operator} %s)', [
        path,
        clause.value,
    ]


def _by_column(clause: Clause, parts: list[str]) -> Sql:
    """A cheap condition that must hold as well, where a column knows it."""
    return ("roles @> %s::text[] AND ", [parts]) if clause.field == "roles.role" else ("", [])


def _date(clause: Clause) -> Sql:
    moment = parse_datetime(clause.value.replace(" ", "+")) or parse_date(clause.value[:10])
    if moment is None or clause.operator == "~":
        return _compare("(v1p2::jsonb ->> 'dateLastModified')", [], clause)
    if isinstance(moment, datetime) and moment.tzinfo is None:
        return f"modified {_sign(clause)} (%s::timestamp AT TIME ZONE 'UTC')", [moment]
    if not isinstance(moment, datetime):
        return f"modified {_sign(clause)} (%s::timestamp AT TIME ZONE 'UTC')", [moment]
    return f"modified {_sign(clause)} %s", [moment]


def _sign(clause: Clause) -> str:
    return "<>" if clause.operator == "!=" else clause.operator
