"""Test Connection from the press of the button to the kept answer. It may take minutes, so it goes on beside the page, which
shows each point as it is answered.
"""

import logging
import secrets
from dataclasses import asdict
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from homeroom.campus.connections.models import Connection, RosterLink
from homeroom.campus.connections.source import test_connection
from homeroom.sync.reading import Check, ConnectionTest

LONGEST = timedelta(minutes=10)  # after which a test that is said to be under way was cut off
log = logging.getLogger(__name__)


def begin(link: RosterLink) -> None:
    """Starts a test beside the page and waits for it a little. A test begun later than another is the one that counts."""
    mark = _begun(link)
    beside = Thread(target=_beside, args=(link.pk, mark), name=f"test-{link.pk}", daemon=True)
    beside.start()
    beside.join(settings.TEST_PATIENCE)
    link.refresh_from_db()


def try_now(link: RosterLink) -> ConnectionTest:
    """The test, here and now, with its answer kept."""
    return _go_on(link, _begun(link))


def is_under_way(link: RosterLink, now: datetime) -> bool:
    """Whether a test of this school is still being answered."""
    begun = parse_datetime(str(link.test.get("begun", "")))
    return bool(link.test.get("under_way")) and begun is not None and now - begun < LONGEST


def _begun(link: RosterLink) -> str:
    mark = secrets.token_hex(8)
    link.test = {"mark": mark, "begun": timezone.now().isoformat(), "under_way": True, "checks": []}
    link.tested_at = None
    link.save(update_fields=["test", "tested_at"])
    return mark


def _beside(link_id: int, mark: str) -> None:
    """What the thread does: the test, with a connection to the database of its own."""
    try:
        link = RosterLink.objects.select_related("connection", "school").get(pk=link_id)
        _go_on(link, mark)
    except Exception:
        log.exception("Test Connection of roster link %s met a fault of ours", link_id)
        fault = Check(
            "fault", ok=False, detail="Homeroom met a fault of its own", cure="Test again; its log says more."
        )
        _answered(RosterLink.objects.get(pk=link_id), mark, ConnectionTest((fault,)), timezone.now())
    finally:
        database.close()


def _go_on(link: RosterLink, mark: str) -> ConnectionTest:
    checks: list[Check] = []

    def told(check: Check) -> None:
        checks.append(check)
        _keep(link, mark, {"checks": [asdict(one) for one in checks]})

    answer = test_connection(link, told)
    _answered(link, mark, answer, timezone.now())
    return answer


def _keep(link: RosterLink, mark: str, more: dict[str, Any]) -> bool:
    """Keeps more of an answer, unless another test has begun since; whether it was kept."""
    kept = {**link.test, **more}
    found = RosterLink.objects.filter(pk=link.pk, test__mark=mark).update(test=kept)
    link.test = kept
    return bool(found)


def _answered(link: RosterLink, mark: str, answer: ConnectionTest, now: datetime) -> None:
    """Keeps the whole answer and what was learnt. A School ID that was not resolved leaves the earlier one in place."""
    said = {
        "under_way": False,
        "ok": answer.ok,
        "checks": [asdict(check) for check in answer.checks],
        "schools": [asdict(org) for org in answer.schools],
        "counts": answer.counts,
        "sample": list(answer.sample),
    }
    with transaction.atomic():
        if not _keep(link, mark, said):
            return
        RosterLink.objects.filter(pk=link.pk).update(tested_at=now)
        if answer.profile:
            Connection.objects.filter(pk=link.connection_id).update(profile=answer.profile)
        if answer.school is not None:
            org, name = answer.school.sourced_id, answer.school.name[:255]
            RosterLink.objects.filter(pk=link.pk).update(org=org, org_name=name)
    link.refresh_from_db()
