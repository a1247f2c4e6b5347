"""Records as careless servers send them. Each oddity was met in a real one, and each record gets the next of them in turn."""

from collections.abc import Callable
from typing import Any

import msgspec

Json = dict[str, Any]
Oddity = Callable[[Json], None]


def _one_for_a_list(record: Json) -> None:
    for name in ("agents", "orgs", "roles", "terms", "children"):
        if isinstance(record.get(name), list) and len(record[name]) == 1:
            record[name] = record[name][0]


def _null_lists(record: Json) -> None:
    for name in ("agents", "grades", "subjects", "periods"):
        record[name] = None


def _true_without_quotes(record: Json) -> None:
    for name in ("enabledUser", "primary"):
        if record.get(name) in ("true", "false"):
            record[name] = record[name] == "true"


def _odd_date(record: Json) -> None:
    record["dateLastModified"] = str(record.get("dateLastModified", "")).replace("T", " ").partition(".")[0]


def _reference_to_nobody(record: Json) -> None:
    for name in ("parent", "course"):
        if isinstance(record.get(name), dict):
            record[name] = {}


def _odd_grade(record: Json) -> None:
    if record.get("grades"):
        record["grades"] = [f"Grade {record['grades'][0]}"]


def _no_username(record: Json) -> None:
    if "username" in record:
        record["username"] = None


def _loose_metadata(record: Json) -> None:
    record["metadata"] = {"bus": 7, "lunch": None, "tags": ["a"]}


ODDITIES: tuple[Oddity, ...] = (
    _one_for_a_list,
    _null_lists,
    _true_without_quotes,
    _odd_date,
    _reference_to_nobody,
    _odd_grade,
    _no_username,
    _loose_metadata,
)


def odd_body(body: bytes) -> bytes:
    """A body of ours with odd records."""
    said = msgspec.json.decode(body)
    for held in said.values():
        for place, record in enumerate(held if isinstance(held, list) else [held]):
            ODDITIES[place % len(ODDITIES)](record)
    return msgspec.json.encode(said)
