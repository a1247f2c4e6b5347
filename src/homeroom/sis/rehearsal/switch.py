"""Starting and ending a rehearsal of a secured user."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from homeroom.sis.records.models import Record
from homeroom.sis.records.retelling import VANISHED
from homeroom.sis.rehearsal.dialects import DIALECTS
from homeroom.sis.rehearsal.faults import FAULTS
from homeroom.sis.rehearsal.models import Rehearsal
from homeroom.sis.secured_users.models import SecuredUser
from homeroom.sis.sharing.change import retell

PATIENCE = 90  # seconds that a time-out takes, longer than most clients wait


class Unknown(ValueError):
    """A dialect, fault or school that there is not; the message names it and those there are."""


def start(
    user: SecuredUser,
    now: datetime,
    dialect: str = "",
    faults: Iterable[str] = (),
    school: str = "",
    seconds: int = PATIENCE,
) -> Rehearsal:
    """Has a secured user's calls answered in a dialect ("" for none) and with faults, from now until `end`. Raises `Unknown`."""
    chosen = list(dict.fromkeys(faults))
    _known(dialect, chosen)
    gone = _school(school) if "vanished_school" in chosen else ""
    with transaction.atomic():
        Rehearsal.objects.filter(secured_user=user).delete()
        retell(user, _retellings(dialect, chosen, gone), now)
        return Rehearsal.objects.create(
            secured_user=user, dialect=dialect, faults=chosen, school=gone, seconds=seconds, since=now
        )


def end(user: SecuredUser, now: datetime) -> None:
    """Has a secured user's calls answered as they are."""
    with transaction.atomic():
        Rehearsal.objects.filter(secured_user=user).delete()
        retell(user, (), now)


def _known(dialect: str, faults: list[str]) -> None:
    if dialect and dialect not in DIALECTS:
        raise Unknown(f"There is no dialect {dialect}; there are {', '.join(DIALECTS)}")
    for fault in faults:
        if fault not in FAULTS:
            raise Unknown(f"There is no fault {fault}; there are {', '.join(FAULTS)}")


def _school(wanted: str) -> str:
    """The school that vanishes: the one of this sourcedId, or the first."""
    schools = Record.objects.filter(share=0, kind="orgs", type="school", status="active").order_by(
        "sourced_id"
    )
    ids = list(schools.values_list("sourced_id", flat=True)[:1000])
    if not ids or (wanted and wanted not in ids):
        raise Unknown(f"There is no school {wanted}; there are {', '.join(ids[:20]) or 'none'}")
    return wanted or ids[0]


def _retellings(dialect: str, faults: list[str], gone: str) -> list[str]:
    names = [name for fault in faults for name in FAULTS[fault].retold if name != "vanished_school"]
    names += DIALECTS[dialect].retold if dialect else ()
    return [*names, *([VANISHED + gone] if gone else [])]
