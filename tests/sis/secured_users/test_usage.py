"""What callers fetched is written down once, a little late, and names no person."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from homeroom.sis.secured_users.models import Fetch, Key, SecuredUser
from homeroom.sis.secured_users.usage import KEPT, Call, Usage

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 9, 1, 12, 30, tzinfo=UTC)


@pytest.fixture
def key() -> Key:
    return Key.objects.create(secured_user=SecuredUser.objects.create(name="Minga"), key="k", secret="s")


def call(key: Key, asked: str = "1.1 /users", status: int = 200) -> Call:
    return Call(key.secured_user_id, key.pk, asked, status)


def test_calls_are_summed_by_hour_kind_and_status(key: Key) -> None:
    usage = Usage(later=lambda write: None)
    for minutes, records in ((0, 100), (1, 7), (40, 9)):
        usage.note(call(key), records, records * 500, NOON + timedelta(minutes=minutes))
        usage.write()
    usage.note(call(key, status=400), 0, 0, NOON)
    usage.write()
    said = [
        (f.hour.hour, f.status, f.calls, f.records, f.bytes) for f in Fetch.objects.order_by("hour", "status")
    ]
    assert said == [(12, 200, 2, 107, 53_500), (12, 400, 1, 0, 0), (13, 200, 1, 9, 4_500)]
    key.refresh_from_db()
    assert (key.calls, key.last_used_at) == (4, NOON + timedelta(minutes=40))


def test_what_was_noted_is_written_though_no_call_follows(key: Key) -> None:
    waiting: list[Callable[[], None]] = []
    usage = Usage(later=waiting.append)
    for _ in range(1000):
        usage.note(call(key), 1, 1, NOON)
    assert len(waiting) == 1
    with CaptureQueriesContext(
        connection,
    ) as queries:
        waiting.pop()()
    assert Fetch.objects.get().calls == 1000
    assert len(queries) <= 4  # the key's sum, the log's line, the old lines: whatever the number of calls
    usage.note(call(key), 1, 1, NOON)
    assert len(waiting) == 1


def test_lines_go_after_ninety_days_and_with_their_secured_user(key: Key) -> None:
    usage = Usage(later=lambda write: None)
    usage.note(call(key), 1, 1, NOON)
    usage.write()
    usage.note(call(key), 1, 1, NOON + KEPT + timedelta(hours=2))
    usage.write()
    assert Fetch.objects.count() == 1
    key.secured_user.delete()
    usage.note(call(key), 1, 1, NOON)
    usage.write()
    assert not Fetch.objects.exists()
