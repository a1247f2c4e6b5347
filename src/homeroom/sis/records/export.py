"""The district's data as a OneRoster CSV zip."""

from collections.abc import Iterable
from pathlib import Path

from django.db import transaction

from homeroom.oneroster import records as r
from homeroom.oneroster.bulk.write import write_set
from homeroom.sis.records.parts import with_role_ids
from homeroom.sis.records.store import be_alone, stored


def export(path: Path, version: str) -> dict[str, int]:
    """Writes all active records as a bulk set of a version; returns rows by file. Loads wait until it is done.

    A person is one record in both versions: `homeroom.oneroster.bulk.write` says what 1.1 makes of several roles.
    """
    with transaction.atomic():
        be_alone()
        return write_set(path, version, _told)


def _told(kind: str) -> Iterable[r.Record]:
    return with_role_ids(stored(kind)) if kind == "users" else stored(kind)
