"""What the SIS side has to serve, in numbers and schools."""

from typing import Any

import msgspec

from homeroom.sis.records.models import Load, Record
from homeroom.sis.records.store import counts

MOST_SCHOOLS = 1000
SAMPLE = "sample district"  # how a load by the generator begins


def status() -> dict[str, Any]:
    """Counts by role, whether all of it is an invented district, and the schools by name."""
    ours = Load.objects.filter(source__startswith=SAMPLE).exists()
    others = Load.objects.exclude(source__startswith=SAMPLE).exists()
    return {"counts": counts()["roles"], "generated": ours and not others, "schools": schools()}


def schools() -> list[dict[str, str]]:
    """The first thousand schools, by sourcedId."""
    rows = Record.objects.filter(share=0, kind="orgs", type="school", status="active").order_by("sourced_id")[
        :MOST_SCHOOLS
    ]
    return [_school(msgspec.json.decode(row.v1p2)) for row in rows]


def _school(org: dict[str, Any]) -> dict[str, str]:
    return {"sourcedId": org["sourcedId"], "identifier": org.get("identifier") or "", "name": org["name"]}
