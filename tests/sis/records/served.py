"""What is served of the district's own data, as tests look at it."""

import json
from typing import Any

from homeroom.sis.records.models import Record

Json = dict[str, Any]


def served(kind: str, version: str = "1.2", *, status: str = "active") -> dict[str, Json]:
    """The records of a kind by sourcedId, without their dates."""
    rows = Record.objects.filter(share=0, kind=kind, status=status).order_by("sourced_id")
    found = {row.sourced_id: json.loads(row.v1p1 if version == "1.1" else row.v1p2) for row in rows}
    for said in found.values():
        del said["dateLastModified"]
    return found


def everything(version: str = "1.2") -> dict[str, dict[str, Json]]:
    """All active records by kind."""
    kinds = ("orgs", "academicSessions", "courses", "classes", "users", "enrollments", "demographics")
    return {kind: served(kind, version) for kind in kinds}


def ids(references: list[Json]) -> list[str]:
    """The sourcedIds of references, in their order."""
    return [one["sourcedId"] for one in references]


def agents(user: str) -> list[str]:
    """Whom a user is served as having for agents."""
    return ids(served("users")[user].get("agents", []))


def modified(kind: str, sourced_id: str) -> str:
    """When a record was last changed, as it is served."""
    return str(
        json.loads(Record.objects.get(share=0, kind=kind, sourced_id=sourced_id).v1p2)["dateLastModified"]
    )
