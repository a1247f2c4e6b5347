"""The filter grammar: seven operators, AND and OR, dotted names, quoted values.

    filter = clause *( SP ("AND" / "OR") SP clause ) ;  clause = name op value ;  op = = != > >= < <= ~

The standard allows two clauses; more are read too, AND binding tighter than OR. Any case of AND and OR, bare numbers,
dates and booleans are accepted, since clients send them. A quote inside a value is doubled. `parse(str(f)) == f`.
"""

import re
from dataclasses import dataclass
from typing import Any

OPERATORS = ("!=", ">=", "<=", "=", ">", "<", "~")
_CLAUSE = re.compile(
    r"\s*([A-Za-z_][\w:-]*(?:\.[A-Za-z_][\w:-]*)*)\s*(!=|>=|<=|=|>|<|~)\s*('(?:[^']|'')*'|[^\s']+)"
)
_JOIN = re.compile(r"\s+(and|or)\s+", re.IGNORECASE)


class FilterError(ValueError):
    """The text is not a filter; the message says where it stops making sense."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One comparison: a dotted field name, an operator and a value as text."""

    field: str
    operator: str
    value: str

    def __str__(self) -> str:
        quoted = self.value.replace("'", "''")
        return f"{self.field}{self.operator}'{quoted}'"


@dataclass(frozen=True, slots=True)
class Filter:
    """Alternatives of clauses that must all hold: ((a AND b) OR (c))."""

    alternatives: tuple[tuple[Clause, ...], ...]

    def __str__(self) -> str:
        return " OR ".join(" AND ".join(map(str, clauses)) for clauses in self.alternatives)

    @property
    def clauses(self) -> tuple[Clause, ...]:
        """All clauses, in the order written."""
        return tuple(clause for clauses in self.alternatives for clause in clauses)


def parse(text: str) -> Filter:
    """The filter that a text says. Raises `FilterError` with the place where it stops being one."""
    groups: list[list[Clause]] = [[]]
    position = 0
    while True:
        found = _CLAUSE.match(text, position)
        if not found:
            raise FilterError(
                f"expected a comparison such as status='active' at character {position + 1} of the filter"
            )
        groups[-1].append(Clause(found[1], found[2], _unquote(found[3])))
        position = found.end()
        if not text[position:].strip():
            return Filter(tuple(tuple(group) for group in groups))
        join = _JOIN.match(text, position)
        if not join:
            raise FilterError(f"expected AND, OR or the end at character {position + 1} of the filter")
        if join[1].lower() == "or":
            groups.append([])
        position = join.end()


def _unquote(value: str) -> str:
    return value[1:-1].replace("''", "'") if value.startswith("'") else value


def matches(wanted: Filter, record: dict[str, Any]) -> bool:
    """Whether a record's JSON satisfies a filter: a plain reading of the grammar, the oracle of every other one."""
    return any(all(_holds(clause, record) for clause in clauses) for clauses in wanted.alternatives)


def _holds(clause: Clause, record: dict[str, Any]) -> bool:
    values = [_text(value) for value in _values(record, clause.field.split("."))]
    wanted = clause.value
    # A list holds `=` when it has ALL the values of a comma list, and `~` when it has ANY of them.
    if len(values) > 1 or (values and _is_list(record, clause.field)):
        parts = wanted.split(",")
        if clause.operator == "=":
            return all(part in values for part in parts)
        if clause.operator == "!=":
            return not all(part in values for part in parts)
        if clause.operator == "~":
            return any(part.lower() in value.lower() for part in parts for value in values)
    if clause.operator == "!=":
        return wanted not in values
    return any(compare(value, clause.operator, wanted) for value in values)


def compare(value: str, operator: str, wanted: str) -> bool:
    """One value against one. Order is by code point, which orders ISO dates by time; `~` ignores case."""
    match operator:
        case "=":
            return value == wanted
        case "!=":
            return value != wanted
        case ">":
            return value > wanted
        case ">=":
            return value >= wanted
        case "<":
            return value < wanted
        case "<=":
            return value <= wanted
        case _:
            return wanted.lower() in value.lower()


def _values(value: Any, names: list[str]) -> list[Any]:
    if isinstance(value, list):
        return [found for item in value for found in _values(item, names)]
    if not names:
        return [] if value is None else [value]
    return _values(value.get(names[0]), names[1:]) if isinstance(value, dict) else []


def _is_list(record: dict[str, Any], field: str) -> bool:
    value: Any = record
    for name in field.split("."):
        if isinstance(value, list):
            return True
        value = value.get(name) if isinstance(value, dict) else None
    return isinstance(value, list)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
