"""What the SIS sent of somebody, version by version, and how one differs from the one before, in words."""

import json
from collections.abc import Iterator
from typing import Any

from homeroom.campus.people.models import Person
from homeroom.campus.runs.models import ChangedRecord

# The fields whose values are told; of any other only that it changed.
WORDS = {
    "givenName": "given name",
    "familyName": "family name",
    "middleName": "middle name",
    "preferredFirstName": "preferred name",
    "email": "e-mail",
    "identifier": "number",
    "username": "sign-in name",
    "phone": "phone",
    "sms": "mobile phone",
    "grades": "grade",
    "role": "role",
    "roles": "roles",
    "orgs": "schools",
    "agents": "guardians",
    "status": "status",
    "enabledUser": "enabled",
}
SILENT = {"dateLastModified", "sourcedId", "password", "href"}


def versions(person: Person) -> list[dict[str, Any]]:
    """The versions of a person's records, oldest first: each with the run that first saw it, the last one that did (None while
    it is still so), what the rules made of it, and how it differs from the one before."""
    found: list[dict[str, Any]] = []
    for record in person.source_records.all():
        rows = ChangedRecord.objects.filter(
            sourced_id=record.sourced_id, run__connection=record.connection_id
        )
        found += _of_record(list(rows.select_related("run").order_by("run_id")))
    return sorted(found, key=lambda version: int(version["run"]))


def _of_record(rows: list[ChangedRecord]) -> Iterator[dict[str, Any]]:
    told: list[ChangedRecord] = []
    for row in rows:
        if not told or _is_new(told[-1], row):
            told.append(row)
    for number, row in enumerate(told):
        before = told[number - 1] if number else None
        after = told[number + 1] if number + 1 < len(told) else None
        yield {
            "at": row.run.started_at or row.run.created_at,
            "run": row.run_id,
            "sourced_id": row.sourced_id,
            "verdict": row.verdict,
            "first": before is None,
            "until": after.run_id if after else None,
            "fields": list(_differences(_read(before), _read(row))) if before else [],
        }


def _is_new(before: ChangedRecord, row: ChangedRecord) -> bool:
    """Whether a record says anything that it did not say before: one that waits is read again every night, and some SISs date
    every record anew each time."""
    if bytes(before.raw) == bytes(row.raw):
        return False
    old, new = _read(before), _read(row)
    return not old or not new or any(True for _ in _differences(old, new))


def _read(row: ChangedRecord | None) -> dict[str, Any]:
    try:
        said = json.loads(bytes(row.raw)) if row else {}
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _differences(before: dict[str, Any], after: dict[str, Any]) -> Iterator[dict[str, str]]:
    for name in dict.fromkeys([*after, *before]):
        old, new = before.get(name), after.get(name)
        if old != new and name not in SILENT:
            known = name in WORDS
            yield {
                "name": WORDS.get(name, name),
                "before": (_plain(old) if known else "…") or "–",
                "after": (_plain(new) if known else "another value") or "–",
            }


def _plain(value: Any) -> str:
    """A value of JSON as a person says it: references by their ids, lists with commas."""
    match value:
        case None:
            return ""
        case dict():
            return " at ".join(
                _plain(part) for part in (value.get("role"), value.get("org"), value.get("sourcedId")) if part
            )
        case list():
            return ", ".join(filter(None, map(_plain, value)))
        case bool():
            return "yes" if value else "no"
    return str(value)
