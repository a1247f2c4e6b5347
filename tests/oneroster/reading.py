"""A plain reading of the filter grammar over one record's JSON, written apart from the server: what docs/oneroster-server.md says."""

from datetime import UTC, datetime
from typing import Any

from homeroom.oneroster.filter import Clause, Filter

REFERENCES = "parent children org course school terms user class agents orgs primaryOrg resources".split()
LISTS = "children grades subjects subjectCodes terms periods userIds agents orgs roles resources userProfiles".split()
FLAGS = "enabledUser primary americanIndianOrAlaskaNative asian blackOrAfricanAmerican white demographicRaceTwoOrMoreRaces".split()
FLAGS += ["nativeHawaiianOrOtherPacificIslander", "hispanicOrLatinoEthnicity"]
DAYS = "startDate endDate beginDate birthDate".split()


def holds(wanted: Filter, record: dict[str, Any]) -> bool:
    """Whether a record is among those that a filter asks for: AND binds tighter than OR."""
    return any(all(_holds(clause, record) for clause in clauses) for clauses in wanted.alternatives)


def _holds(clause: Clause, record: dict[str, Any]) -> bool:
    names = clause.field.split(".")
    if names[0] == "metadata":  # a dot may be part of a key of it
        names = ["metadata", ".".join(names[1:])]
    elif names[-1] in REFERENCES or (names == ["schoolYear"] and isinstance(record.get("schoolYear"), dict)):
        names.append("sourcedId")
    if clause.field == "dateLastModified" and clause.operator != "~":
        return _ordered(_moment(record["dateLastModified"]), clause.operator, _moment(clause.value))
    wanted = clause.value.lower() if names[-1] in FLAGS else clause.value
    if names[-1] in DAYS and clause.operator != "~" and len(wanted) > 10 and wanted[10] in "T ":
        wanted = wanted[:10]
    found = _values(record, names)
    return (
        _several(found, clause.operator, wanted)
        if set(names) & set(LISTS)
        else _one(found, clause.operator, wanted)
    )


def _one(found: list[str], operator: str, wanted: str) -> bool:
    """A field of one value: what is not there is an empty text, but neither before nor after anything."""
    value = found[0] if found else ""
    if operator == "~":
        return wanted.lower() in value.lower()
    if operator in ("=", "!="):
        return (value == wanted) == (operator == "=")
    return bool(found) and _ordered(value, operator, wanted)


def _several(found: list[str], operator: str, wanted: str) -> bool:
    """A list: `=` asks for all of the values, `~` for any of them, and an empty value for an empty list."""
    parts = [part.strip() for part in wanted.split(",")]
    if operator == "~":
        return any(part.lower() in value.lower() for part in parts for value in found)
    if operator in ("=", "!="):
        return (not found if not wanted else set(parts) <= set(found)) == (operator == "=")
    return any(_ordered(value, operator, wanted) for value in found)


def _ordered(value: Any, operator: str, wanted: Any) -> bool:
    return {
        "=": value == wanted,
        "!=": value != wanted,
        ">": value > wanted,
        ">=": value >= wanted,
        "<": value < wanted,
        "<=": value <= wanted,
    }[operator]


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _values(value: Any, names: list[str]) -> list[str]:
    if isinstance(value, list):
        return [found for item in value for found in _values(item, names)]
    if not names:
        return [str(value)]
    return _values(value[names[0]], names[1:]) if isinstance(value, dict) and names[0] in value else []
