"""The filter grammar: seven operators, AND and OR, dotted names, quoted values.

    filter = clause *( SP ("AND" / "OR") SP clause ) ;  clause = name op value ;  op = = != > >= < <= ~

The standard allows two clauses; more are read too, AND binding tighter than OR. Any case of AND and OR, parentheses, double
quotes, bare numbers, dates and booleans are accepted, since clients send them. A quote inside a value is doubled.
`parse(str(f)) == f`.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

OPERATORS = ("!=", ">=", "<=", "=", ">", "<", "~")
_CLAUSE = re.compile(
    r"\s*([A-Za-z_][\w:-]*(?:\.[A-Za-z_][\w:-]*)*)\s*(!=|>=|<=|=|>|<|~)\s*"
    r"""('(?:[^']|'')*'|"(?:[^"]|"")*"|[^\s'"()]+)"""
)
MOST_CLAUSES = 50
_AND, _OR = (re.compile(rf"\s+{word}\s+", re.IGNORECASE) for word in ("and", "or"))
_OPEN, _CLOSE = re.compile(r"\s*\("), re.compile(r"\s*\)")


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
    reader = _Reader(text)
    alternatives = reader.any_of()
    reader.end()
    return Filter(tuple(alternatives))


_Alternatives = list[tuple[Clause, ...]]


class _Reader:
    """Reads a filter from left to right: OR between ANDs, between comparisons and what is in parentheses."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = self._clauses = self._depth = 0

    def any_of(self) -> _Alternatives:
        found = self._all_of()
        while self._take(_OR):
            found += self._all_of()
        return found

    def _all_of(self) -> _Alternatives:
        found = self._one()
        while self._take(_AND):
            found = _each_with_each(found, self._one())
        return found

    def _one(self) -> _Alternatives:
        if not self._take(_OPEN):
            return [(self._clause(),)]
        self._depth += 1
        if self._depth > MOST_CLAUSES:
            raise FilterError(f"more than {MOST_CLAUSES} parentheses at character {self._position}")
        found = self.any_of()
        if not self._take(_CLOSE):
            raise self._expected("AND, OR or a closing parenthesis")
        self._depth -= 1
        return found

    def _clause(self) -> Clause:
        found = self._take(_CLAUSE)
        if not found:
            raise self._expected("a comparison such as status='active'")
        self._clauses += 1
        if self._clauses > MOST_CLAUSES:
            raise FilterError(
                f"a filter of more than {MOST_CLAUSES} comparisons at character {self._position}"
            )
        return Clause(found[1], found[2], _unquote(found[3]))

    def end(self) -> None:
        if self._text[self._position :].strip():
            raise self._expected("AND, OR or the end")

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._position)
        self._position = found.end() if found else self._position
        return found

    def _expected(self, what: str) -> FilterError:
        return FilterError(f"expected {what} at character {self._position + 1} of the filter")


def _each_with_each(left: _Alternatives, right: _Alternatives) -> _Alternatives:
    """Both at a time: (a OR b) AND c is a AND c OR b AND c."""
    if len(left) * len(right) > MOST_CLAUSES:
        raise FilterError(
            f"the parentheses mean more than {MOST_CLAUSES} combinations at their last character; ask in several calls"
        )
    return [(*one, *other) for one in left for other in right]


def _unquote(value: str) -> str:
    mark = value[0]
    return value[1:-1].replace(mark * 2, mark) if mark in "'\"" else value


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
