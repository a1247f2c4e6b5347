"""What may be wrong with the cells of one row, by the tables of the standard.

A breach is a code, a column, and in words what ought to stand there; never what does.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import cache

from homeroom.oneroster.endpoints import V1P1
from homeroom.oneroster.grades import CEDS
from homeroom.oneroster.tables import TABLES, USERS_BEFORE, VOCABULARIES, Column

Row = dict[str, str]
Breach = tuple[str, str, str]  # code, column, detail
_Check = Callable[[str], tuple[str, str] | None]

_ID = re.compile(r"[0-9A-Za-z.\-_/@]{1,255}")
_EXTENSION = re.compile(r"ext:[0-9A-Za-z.\-_]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z", re.ASCII)
_YEAR = re.compile(r"\d{4}", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_PAIR = re.compile(r"\{[^:{},]+:[^:{},]+\}")
_BAD_DATE = "bad_value", "a date is YYYY-MM-DD"
_BAD_MOMENT = "a time is YYYY-MM-DDThh:mm:ss.sssZ, in UTC"
BAD_ID = "1 to 255 of 0-9 a-z A-Z . - _ / @"
_BAD_ID = "bad_id", BAD_ID
_EMPTY_ITEM = "bad_value", "an empty item in a list"


def breaches(table: str, row: Row, version: str, *, delta: bool) -> Iterator[Breach]:
    """All that is wrong with a row of a table, taken by itself. `row` holds the cells as they came."""
    yield from _life(row, delta=delta)
    for column, check in _checks(table, version):
        value = row.get(column.name, "")
        if not value.strip():
            if column.required and column.name != "sourcedId":
                yield "missing_value", column.name, ""
        elif check is not None and (found := check(value)):
            yield found[0], column.name, found[1]
    if "subjectCodes" in row and _length(row, "subjects") != _length(row, "subjectCodes"):
        yield "subject_codes", "subjectCodes", ""


def _life(row: Row, *, delta: bool) -> Iterator[Breach]:
    """status and dateLastModified: empty in bulk, filled in delta (FACTS 7.3)."""
    for name in ("status", "dateLastModified"):
        if row.get(name) and not delta:
            yield "bulk_dates", name, ""
        if delta and not row.get(name):
            yield "delta_dates", name, ""
    if row.get("status", "") not in ("", "active", "tobedeleted"):
        yield "bad_value", "status", "active or tobedeleted"
    if row.get("dateLastModified") and not is_moment(row["dateLastModified"]):
        yield "bad_value", "dateLastModified", _BAD_MOMENT


def is_moment(value: str) -> bool:
    """Whether a text is a dateTime as the standard writes it."""
    if not _MOMENT.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _length(row: Row, name: str) -> int:
    return len(row[name].split(",")) if row.get(name) else 0


@cache
def _checks(table: str, version: str) -> tuple[tuple[Column, _Check | None], ...]:
    columns = USERS_BEFORE if table == "users" and version != V1P1 else TABLES[version][table]
    return tuple((column, _check(column, version)) for column in columns)


def _check(column: Column, version: str) -> _Check | None:
    if column.holds in ("word", "words"):
        return _of_words(column, version)
    if column.name == "grades" and version == V1P1:  # in 1.2 schools agree on their own grades
        return _grades
    return _CHECKS.get(column.holds)


def _of_words(column: Column, version: str) -> _Check:
    first, second, extensible = VOCABULARIES[column.of]
    words = first if version == V1P1 else second
    extended = extensible and version != V1P1
    wrong = "bad_value", f"one of {', '.join(words)}" + (" or an ext: word" if extended else "")

    def known(value: str) -> bool:
        return value in words or (extended and _EXTENSION.fullmatch(value) is not None)

    if column.holds == "word":
        return lambda value: None if known(value) else wrong
    return lambda value: None if all(known(item) for item in value.split(",")) else wrong


def _date(value: str) -> tuple[str, str] | None:
    if not _DATE.fullmatch(value):
        return _BAD_DATE
    try:
        date.fromisoformat(value)
    except ValueError:
        return "bad_value", "there is no such day"
    return None


def _ids(value: str) -> tuple[str, str] | None:
    items = value.split(",")
    if not all(items):
        return _EMPTY_ITEM
    return None if all(_ID.fullmatch(item) for item in items) else _BAD_ID


def _grades(value: str) -> tuple[str, str] | None:
    return _list(value) or (
        None if all(item in CEDS for item in value.split(",")) else ("unknown_grade", "such as KG, 01 or 12")
    )


def _list(value: str) -> tuple[str, str] | None:
    return None if all(value.split(",")) else _EMPTY_ITEM


def _matching(pattern: re.Pattern[str], code: str, wanted: str) -> _Check:
    return lambda value: None if pattern.fullmatch(value) else (code, wanted)


def _all_pairs(code: str, wanted: str) -> _Check:
    return lambda value: None if all(_PAIR.fullmatch(item) for item in value.split(",")) else (code, wanted)


_CHECKS: dict[str, _Check] = {
    "id": _matching(_ID, *_BAD_ID),
    "ids": _ids,
    "date": _date,
    "year": _matching(_YEAR, "bad_value", "a year is YYYY"),
    "boolean": lambda value: (
        None if value in ("true", "false") else ("bad_value", "true or false, in lower case")
    ),
    "integer": _matching(_INTEGER, "bad_value", "a whole number"),
    "number": _matching(_NUMBER, "bad_value", "a number"),
    "list": _list,
    "userIds": _all_pairs("user_id_form", "such as {LDAP:ana}"),
    "pairs": _all_pairs("bad_value", "such as {A:90},{B:80}"),
}
