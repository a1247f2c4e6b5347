"""Starting and ending a rehearsal of a secured user."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from homeroom.oneroster.endpoints import ALL_SCOPES
from homeroom.sis.records.models import Record
from homeroom.sis.records.retelling import VANISHED
from homeroom.sis.rehearsal.dialects import DIALECTS, Auth
from homeroom.sis.rehearsal.faults import FAULTS
from homeroom.sis.rehearsal.models import Rehearsal
from homeroom.sis.secured_users.keys import hash_of
from homeroom.sis.secured_users.models import SecuredUser, Token
from homeroom.sis.sharing.change import retell

PATIENCE = 90  # seconds that a time-out takes, longer than most clients wait
FOREVER = timedelta(days=3650)


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
    _known(dialect, asked := set(faults))
    chosen = [name for name in FAULTS if name in asked]
    gone = _school(school) if "vanished_school" in chosen else ""
    with transaction.atomic():
        _forget(user)
        if dialect and DIALECTS[dialect].auth is Auth.BEARER:
            _take_secrets_as_bearers(user, now)
        retell(user, _retellings(dialect, chosen, gone), now)
        return Rehearsal.objects.create(
            secured_user=user, dialect=dialect, faults=chosen, school=gone, seconds=seconds, since=now
        )


def end(user: SecuredUser, now: datetime) -> None:
    """Has a secured user's calls answered as they are."""
    with transaction.atomic():
        _forget(user)
        retell(user, (), now)


def _forget(user: SecuredUser) -> None:
    Rehearsal.objects.filter(secured_user=user).delete()
    Token.objects.filter(
        key__secured_user=user, hash__in=[hash_of(key.secret) for key in user.keys.all()]
    ).delete()


def _take_secrets_as_bearers(user: SecuredUser, now: datetime) -> None:
    """Each live secret opens the door by itself, as where there is no token service."""
    for key in user.keys.select_related("secured_user"):
        if key.ends_at is None or key.ends_at > now:
            Token.objects.create(
                hash=hash_of(key.secret), key=key, scopes=" ".join(ALL_SCOPES), expires_at=now + FOREVER
            )


def _known(dialect: str, faults: set[str]) -> None:
    if dialect and dialect not in DIALECTS:
        raise Unknown(f"There is no dialect {dialect}; there are {', '.join(DIALECTS)}")
    for fault in sorted(faults - FAULTS.keys()):
        raise Unknown(f"There is no fault {fault}; there are {', '.join(FAULTS)}")


def _school(wanted: str) -> str:
    """The school that vanishes: the one of this sourcedId, or the first."""
    schools = Record.objects.filter(share=0, kind="orgs", type="school", status="active")
    if wanted:
        schools = schools.filter(sourced_id=wanted)
    first = schools.order_by("sourced_id").values_list("sourced_id", flat=True).first()
    if first is None:
        raise Unknown(f"There is no school {wanted}".strip() + "; homeroom sis status lists those there are")
    return str(first)


def _retellings(dialect: str, faults: list[str], gone: str) -> list[str]:
    names = [name for fault in faults for name in FAULTS[fault].retold if name != "vanished_school"]
    names += DIALECTS[dialect].retold if dialect else ()
    return [*names, *([VANISHED + gone] if gone else [])]
