"""What one JSON object of a server says, field by field, each as the standard means it and with a Problem for every oddity."""

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Any

from homeroom.oneroster.endpoints import V1P1, V1P2
from homeroom.oneroster.fields import LISTS, TOP
from homeroom.problems import Problem

_KNOWN = frozenset(name for version in (V1P1, V1P2) for names in TOP[version].values() for name in names) | {
    *("roleType", "beginDate", "endDate", "org", "role", "userProfile", "href", "type", "grade"),
}
_SPELLED = {name.lower(): name for name in _KNOWN} | {
    "sourceid": "sourcedId",
    "agent": "agents",
    "grade": "grade",
}
_DATE = re.compile(r"(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})(?:[T ].*)?")


@lru_cache(4096)
def _spelling(name: str) -> str:
    return _SPELLED.get(name.lower().replace("_", "").replace("-", ""), name)


class Said:
    """One object and the problems found in it. `prefix` says where in the record it stands ("roles.")."""

    def __init__(
        self,
        where: str,
        said: dict[str, Any],
        problems: list[Problem] | None = None,
        sourced_id: str | None = None,
        prefix: str = "",
    ) -> None:
        self.where, self.prefix = where, prefix
        self.problems: list[Problem] = [] if problems is None else problems
        self._said = said if said.keys() <= _KNOWN else _respelled(said)
        self.sourced_id = sourced_id if sourced_id is not None else id_text(self._said.get("sourcedId"))

    def problem(self, code: str, name: str, detail: str = "") -> None:
        """Names an oddity of a field."""
        self.problems.append(
            Problem(code, self.where, self.sourced_id, f"{self.prefix}{name}", detail=detail)
        )

    def bent(self, name: str, form: str) -> None:
        """Names a value that has another form than the standard's and was understood all the same."""
        self.problem("bent_value", name, form)

    def text(self, name: str) -> str:
        """A text, trimmed: numbers are spelled out, null says nothing, NULs are no text anywhere."""
        value = self._one(name)
        if type(value) is str:
            tidy = value.strip()
            if "\0" in tidy:
                tidy = tidy.replace("\0", "").strip()
                self.problem("odd_text", name, "a NUL")
            elif tidy != value:
                self.bent(name, "blanks around it")
            return tidy
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.problem("lost_value", name, _kind(value))
            return ""
        self.bent(name, "a number")
        return spelled(value)

    def texts(self, name: str) -> list[str]:
        """The texts of a list; one text, also with commas, is a list as well."""
        value = self._said.get(name)
        if isinstance(value, list):
            found = [spelled(item) for item in value if isinstance(item, str | int | float)]
            if any(not isinstance(item, str | int | float | None) for item in value):
                self.problem("lost_value", name, "an object in its list")
            elif not all(isinstance(item, str) for item in value):
                self.bent(name, "numbers or null in its list")
        elif isinstance(value, dict):
            self.problem("lost_value", name, _kind(value))
            found = []
        else:
            found = [spelled(value)] if value is not None else []
            if found not in ([], [""]) and name in LISTS:
                self.bent(name, "a single value where a list is due")
        return [part.strip() for text in found for part in text.split(",") if part.strip()]

    def words(self, name: str) -> list[str]:
        """The plain texts in a list that should hold objects."""
        value = self._said.get(name)
        found = [
            item.strip() for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)
        ]
        if any(found):
            self.bent(name, "texts where objects are due")
        return [word for word in found if word]

    def says_none(self, name: str) -> bool:
        """Whether an empty list says in so many words that there are none. Null and a missing word do not."""
        return bool(self._said.get(name) == [])

    def truth(self, name: str, *, default: bool) -> bool:
        """A boolean, also when it comes as a word or a number. Both forms are in use in both versions."""
        value = self._one(name)
        if isinstance(value, bool):
            return value
        word = spelled(value).lower()
        if word not in ("", "true", "false", "1", "0", "yes", "no") or isinstance(value, dict):
            self.problem("lost_value", name, "neither true nor false")
            return default
        return word in ("true", "1", "yes") if word else default

    def date(self, name: str) -> str:
        """An ISO date; "" when nothing is said, or nothing that can only mean one day."""
        value = self.text(name)
        if not value:
            return ""
        found = _DATE.fullmatch(value)
        try:
            day = date(int(found[1]), int(found[3]), int(found[4])).isoformat() if found else ""
        except ValueError:
            day = ""
        if not day:
            self.problem("unreadable_date", name)
        return day

    def id(self, name: str) -> str:
        """The sourcedId of a reference, "" when there is none."""
        value = self._one(name)
        if isinstance(value, dict):
            return self._reference(name, value)
        return self._bare_id(name, value)

    def ids(self, name: str) -> tuple[str, ...]:
        """The sourcedIds of a list of references, each once; a reference without one is a Problem."""
        found = []
        for item in self._items(name):
            known = self._reference(name, item) if isinstance(item, dict) else self._bare_id(name, item)
            if known:
                found.append(known)
            elif item not in (None, ""):
                self.problem("reference_without_id", name)
        return tuple(dict.fromkeys(found))

    def objects(self, name: str) -> Iterator["Said"]:
        """The objects of a list; one object is a list as well."""
        for item in self._items(name):
            if isinstance(item, dict):
                yield Said(self.where, item, self.problems, self.sourced_id, f"{self.prefix}{name}.")
            elif not isinstance(item, str | None):
                self.problem("lost_value", name, _kind(item))

    def quietly(self, name: str) -> Iterator["Said"]:
        """The objects of a list once more, without naming their oddities again."""
        value = self._said.get(name)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                yield Said(self.where, item, [], self.sourced_id)

    def within(self, name: str) -> "Said":
        """The object under a name, empty when there is none."""
        return Said(self.where, self.free(name), self.problems, self.sourced_id, f"{self.prefix}{name}.")

    def free(self, name: str) -> dict[str, Any]:
        """An object of any content, as it is."""
        value = self._said.get(name)
        return value if isinstance(value, dict) else {}

    def _one(self, name: str) -> Any:
        value = self._said.get(name)
        if not isinstance(value, list):
            return value
        if value:
            self.bent(name, "a list where a single value is due")
        return value[0] if value else None

    def _items(self, name: str) -> list[Any]:
        value = self._said.get(name)
        if isinstance(value, list):
            return value
        if value is None or value == "":
            return []
        self.bent(name, "a single value where a list is due")
        return [value]

    def _reference(self, name: str, said: dict[str, Any]) -> str:
        value = said.get("sourcedId")
        if type(value) is str and value == value.strip() and "\0" not in value:
            return value
        found = id_text(_respelled(said).get("sourcedId"))
        if found:
            self.bent(name, "an id that is a number, spelled in its own way, or has blanks around it")
        return found

    def _bare_id(self, name: str, value: Any) -> str:
        found = id_text(value)
        if found:
            self.bent(name, "an id without its object")
        return found


def _respelled(said: dict[str, Any]) -> dict[str, Any]:
    """The object with its words in the standard's spelling; where a word comes in both, the standard's own counts."""
    return {**{_spelling(name): value for name, value in said.items() if len(name) < 40}, **said}


def id_text(value: Any) -> str:
    """A sourcedId as one can use it: trimmed, a number spelled out, "" for anything else."""
    return spelled(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def spelled(value: Any) -> str:
    """A value as a trimmed text: numbers spelled out, "" for what is no text."""
    if isinstance(value, str):
        return value.replace("\0", "").strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) else ""


def _kind(value: Any) -> str:
    return (
        "an object" if isinstance(value, dict) else "true or false" if isinstance(value, bool) else "a list"
    )
