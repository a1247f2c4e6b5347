"""Rows of CSV in the shape that the same records have over REST, so that one reader understands both.

Nothing is judged here: the cells go over as they are, lists and references taken apart. Of passwords nothing is taken.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from homeroom.oneroster.bulk.headers import METADATA
from homeroom.oneroster.bulk.rows import clean

_TEXTS = frozenset(
    "status dateLastModified enabledUser username givenName familyName middleName identifier email sms phone role "
    "preferredMiddleName pronouns userMasterIdentifier name type roleType beginDate endDate birthDate".split()
)
_RENAMED = {"preferredGivenName": "preferredFirstName", "preferredFamilyName": "preferredLastName"}
_REFERENCE = {"primaryOrgSourcedId": "primaryOrg", "parentSourcedId": "parent", "orgSourcedId": "org"}
_REFERENCES = {"orgSourcedIds": "orgs", "agentSourcedIds": "agents"}
_PAIR = re.compile(r"\{([^:{}]*):([^{}]*)\}")
_encode = msgspec.json.encode
Put = Callable[[dict[str, Any], str], None]


class Shape:
    """How the rows of one file become objects: made once of its header, used for every row."""

    def __init__(self, names: Sequence[str]) -> None:
        self._puts = [(place, put) for place, name in enumerate(names) if (put := _put(name)) is not None]

    def object(self, cells: Sequence[str]) -> dict[str, Any]:
        """The object of a row, without what the row leaves empty."""
        made: dict[str, Any] = {}
        for place, put in self._puts:
            if cells[place]:
                put(made, cells[place])
        return made


def json(sourced_id: str, made: dict[str, Any]) -> bytes:
    """An object as bytes, the same for the same cells."""
    return _encode({"sourcedId": sourced_id, **made})


def _put(name: str) -> Put | None:
    if name in _TEXTS:
        return _text(name)
    if name in _RENAMED:
        return _text(_RENAMED[name])
    if name in _REFERENCE:
        return _reference(_REFERENCE[name])
    if name in _REFERENCES:
        return _references(_REFERENCES[name])
    if name.startswith(METADATA):
        return _metadata(name[len(METADATA) :])
    return {"grades": _grades, "userIds": _user_ids}.get(name)


def _text(name: str) -> Put:
    def put(made: dict[str, Any], cell: str) -> None:
        made[name] = cell

    return put


def _reference(name: str) -> Put:
    def put(made: dict[str, Any], cell: str) -> None:
        made[name] = {"sourcedId": clean(cell)}

    return put


def _references(name: str) -> Put:
    def put(made: dict[str, Any], cell: str) -> None:
        made[name] = [{"sourcedId": item} for item in items(cell)]

    return put


def _metadata(name: str) -> Put:
    def put(made: dict[str, Any], cell: str) -> None:
        made.setdefault("metadata", {})[name] = cell

    return put


def _grades(made: dict[str, Any], cell: str) -> None:
    made["grades"] = items(cell)


def _user_ids(made: dict[str, Any], cell: str) -> None:
    """Ids of the form {type:id}; what has another form is one id without a type."""
    found = [{"type": kind.strip(), "identifier": value.strip()} for kind, value in _PAIR.findall(cell)]
    made["userIds"] = found or [{"identifier": clean(cell)}]


def items(cell: str) -> list[str]:
    """The items of a list in a cell."""
    return [item for part in cell.split(",") if (item := clean(part))]
