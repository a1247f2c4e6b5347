"""The kinds of values that settings have: from a word to a value and back, with an answer for a word that is none."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from homeroom.sync.matching import RULES, Rule
from homeroom.sync.own_rules import NoRule, OwnRule, read_line
from homeroom.sync.periods import Period, PeriodKind
from homeroom.sync.rules import KEEPABLE

NONE = "none"


class SettingError(ValueError):
    """A setting that does not exist, or a value it cannot have. The message says which and what is allowed."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`read` takes a setting's name and a word, and raises `SettingError`; `word` is its way back; `plain` is for JSON."""

    read: Callable[[str, str], Any]
    word: Callable[[Any], str] = str
    plain: Callable[[Any], Any] = lambda value: value


def on_off(name: str, value: str) -> bool:
    """A switch. Raises `SettingError`."""
    if value.lower() not in ("on", "off", "true", "false", "yes", "no"):
        raise SettingError(f"{name} is on or off, not “{value}”.")
    return value.lower() in ("on", "true", "yes")


def number(name: str, value: str, least: float, most: float) -> float:
    """A number within bounds. Raises `SettingError`."""
    try:
        found = float(value)
    except ValueError:
        found = math.nan
    if not least <= found <= most:
        raise SettingError(f"{name} is a number from {least:g} to {most:g}, not “{value}”.")
    return found


def _percent(name: str, value: str) -> float | None:
    return None if value.lower() == NONE else number(name, value, 0, 100)


def _people(name: str, value: str) -> int | None:
    return None if value.lower() == NONE else int(number(name, value, 0, 1_000_000))


def _fields(name: str, value: str) -> tuple[str, ...]:
    words = [word.lower() for word in re.split(r"[,\s]+", value) if word and word.lower() != NONE]
    wrong = [word for word in words if word not in KEEPABLE]
    if wrong:
        raise SettingError(f"{name} lists fields out of {', '.join(KEEPABLE)}, or none; not “{wrong[0]}”.")
    return tuple(field for field in KEEPABLE if field in words)


def _day(name: str, value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError as wrong:
        raise SettingError(f"{name} is first..last, days such as 2026-12-21, not “{value}”.") from wrong


def _periods(kind: PeriodKind) -> Callable[[str, str], tuple[Period, ...]]:
    def read(name: str, value: str) -> tuple[Period, ...]:
        words = [word for word in re.split(r"[,\s]+", value) if word and word.lower() != NONE]
        return tuple(_period(kind, name, word) for word in words)

    return read


def _period(kind: PeriodKind, name: str, word: str) -> Period:
    first, dots, last = word.partition("..")
    period = Period(kind, _day(name, first), _day(name, last if dots else first))
    if period.last < period.first:
        raise SettingError(f"{name}: {period.last} is before {period.first}.")
    return period


def _periods_word(periods: Sequence[Period]) -> str:
    return ",".join(f"{period.first}..{period.last}" for period in periods) or NONE


def _month_day(name: str, value: str) -> str:
    if value.lower() in (NONE, ""):
        return ""
    try:
        return f"{date.fromisoformat(f'2024-{value}'):%m-%d}"
    except ValueError as wrong:
        raise SettingError(f"{name} is a month and day such as 06-12, or none; not “{value}”.") from wrong


def _time(name: str, value: str) -> time:
    try:
        return time.fromisoformat(value)
    except ValueError as wrong:
        raise SettingError(f"{name} is an hour and minute such as 02:00, not “{value}”.") from wrong


def emails(value: str) -> list[str]:
    """E-mail addresses separated by commas, spaces or lines. Raises `SettingError`."""
    found = list(dict.fromkeys(word.lower() for word in value.replace(",", " ").replace(";", " ").split()))
    for address in found:
        try:
            validate_email(address)
        except ValidationError as wrong:
            raise SettingError(f"“{address}” is not an e-mail address.") from wrong
    return found


def _matching(name: str, value: str) -> list[str]:
    words = [] if value == NONE else [word.strip() for word in value.split(",") if word.strip()]
    if len(set(words)) != len(words) or not set(words) <= set(RULES) or (not words and value != NONE):
        known = " and ".join(RULES)
        raise SettingError(
            f"{name} is {NONE}, or {known} in the order that you want, such as number,email; not “{value}”."
        )
    return [Rule(word).value for word in words]


def _rules(_: str, value: str) -> tuple[OwnRule, ...]:
    lines = [line.strip() for line in re.split(r"[;\n]", value) if line.strip() and line.strip() != NONE]
    try:
        return tuple(read_line(line) for line in lines)
    except NoRule as wrong:
        raise SettingError(str(wrong)) from wrong


def _optional(value: Any) -> str:
    return NONE if value is None else f"{value:g}"


SWITCH = Kind(on_off, lambda on: "on" if on else "off")
PERCENT = Kind(_percent, _optional)
PEOPLE = Kind(_people, _optional)
SMALL = Kind(lambda name, value: int(number(name, value, 0, 1_000_000)))
RUNS = Kind(lambda name, value: int(number(name, value, 1, 100)))
DAYS = Kind(lambda name, value: int(number(name, value, 0, 365)))
FIELDS = Kind(_fields, lambda names: ",".join(names) or NONE, list)
PAUSES = Kind(
    _periods(PeriodKind.PAUSE),
    _periods_word,
    lambda periods: _periods_word(periods).split(",") if periods else [],
)
ADDITIONS = Kind(_periods(PeriodKind.ADDITIONS), _periods_word, PAUSES.plain)
MONTH_DAY = Kind(_month_day, lambda day: day or NONE)
TIME = Kind(_time, lambda at: f"{at:%H:%M}", lambda at: f"{at:%H:%M}")
MATCHING = Kind(_matching, lambda signs: ",".join(signs) or NONE, lambda signs: ",".join(signs) or NONE)
OWN_RULES = Kind(
    _rules,
    lambda rules: "; ".join(rule.line for rule in rules) or NONE,
    lambda rules: [rule.line for rule in rules],
)
EMAILS = Kind(lambda _, value: emails(value), ",".join, list)
