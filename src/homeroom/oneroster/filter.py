"""The filter grammar: seven operators, AND and OR, dotted names, quoted values.

    filter = clause *( SP ("AND" / "OR") SP clause ) ;  clause = name op value ;  op = = != > >= < <= ~

The standard allows two clauses; more are read too, AND binding tighter than OR. Any case of AND and OR, bare numbers,
dates and booleans are accepted, since clients send them. A quote inside a value is doubled. `parse(str(f)) == f`.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

OPERATORS = ("!=", ">=", "<=", "=", ">", "<", "~")
_CLAUSE = re.compile(
    r"\s*([A-Za-z_][\w:-]*(?:\.[A-Za-z_][\w:-]*)*)\s*(!=|>=|<=|=|>|<|~)\s*('(?:[^']|'')*'|[^\s']+)"
)
MOST_CLAUSES = 50
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
    for _ in range(MOST_CLAUSES):
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
    raise FilterError(f"a filter of more than {MOST_CLAUSES} comparisons at character {position + 1}")


def _unquote(value: str) -> str:
    return value[1:-1].replace("''", "'") if value.startswith("'") else value


def parse_sent(text: str) -> Filter:
    """The filter of a query string that is decoded already. Clients that encode twice are understood. Raises `FilterError`.

    Some encode the whole filter once more, others only a quote inside a value ('O%27Hara').
    """
    return parse(text.replace("%27", "''") if "'" in text else unquote(text))


def moment(text: str) -> datetime | None:
    """The time that a value says: ISO 8601 with or without milliseconds, offset and time of day; UTC where it says no offset.

    A plus sign that was not percent-encoded arrives as a space. None when it is no time.
    """
    for said in (text.strip().upper(), "+".join(text.strip().upper().rsplit(" ", 1))):
        try:
            found = datetime.fromisoformat(said)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None
