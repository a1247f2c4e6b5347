"""Callers that are known by heart: only while news of them would come, and no longer than they may call."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection

from homeroom.sis.oneroster_api.known import _ADDRESS, CHANNEL, TRUST, Known, _readable

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def heard() -> Iterator[tuple[Known[str], Clock]]:
    """One that listens, as far as it knows."""
    clock = Clock()
    known: Known[str] = Known(clock)
    known._listening, known._heard = True, clock.now
    yield known, clock


def test_a_caller_is_known_until_its_token_or_key_ends(heard: tuple[Known[str], Clock]) -> None:
    known, _ = heard
    known.keep(b"t", "Minga", NOON + HOUR, known.changes)
    assert known.get(b"t", NOON) == "Minga"
    assert known.get(b"t", NOON + HOUR) is None
    assert known.get(b"other", NOON) is None


def test_nobody_is_known_after_a_change(heard: tuple[Known[str], Clock]) -> None:
    known, _ = heard
    known.keep(b"t", "Minga", NOON + HOUR, known.changes)
    known.forget()
    assert known.get(b"t", NOON) is None


def test_who_was_looked_up_before_a_change_is_not_kept(heard: tuple[Known[str], Clock]) -> None:
    known, _ = heard
    since = known.changes
    known.forget()
    known.keep(b"t", "Minga", NOON + HOUR, since)
    assert known.get(b"t", NOON) is None


def test_nobody_is_trusted_when_the_database_has_been_silent_for_too_long(
    heard: tuple[Known[str], Clock],
) -> None:
    known, clock = heard
    known.keep(b"t", "Minga", NOON + HOUR, known.changes)
    clock.now += TRUST + 1
    assert known.get(b"t", NOON) is None


def test_nobody_is_known_while_news_lies_unread(heard: tuple[Known[str], Clock]) -> None:
    known, _ = heard
    known.keep(b"t", "Minga", NOON + HOUR, known.changes)
    known._unread = lambda: True
    assert known.get(b"t", NOON) is None


@pytest.mark.django_db(transaction=True)
def test_news_is_seen_on_the_connection_before_anybody_reads_it() -> None:
    with psycopg.connect(**_address(), autocommit=True) as listening:  # type: ignore[arg-type]
        listening.execute(f"LISTEN {CHANNEL}")
        assert not _readable(listening)
        with connection.cursor() as cursor:
            cursor.execute(WRITES[0])
        until = time.monotonic() + 10
        while not _readable(listening) and time.monotonic() < until:
            time.sleep(0.01)
        assert _readable(listening)


def _address() -> dict[str, object]:
    return {n: v for n, v in connection.get_connection_params().items() if n in _ADDRESS and v}


WRITES = [
    "UPDATE secured_users_secureduser SET active = active",
    "UPDATE secured_users_key SET ends_at = now()",
    "DELETE FROM secured_users_token",
    "UPDATE records_share SET revision = revision + 1",
    "DELETE FROM rehearsal_rehearsal",
]
SILENT = [
    "UPDATE secured_users_key SET calls = calls + 1, last_used_at = now()",
    "UPDATE rehearsal_rehearsal SET calls = calls + 1",
    "INSERT INTO secured_users_token (hash, key_id, scopes, expires_at) SELECT '\\x00', id, '', now() FROM secured_users_key",
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("write", "told"), [*((one, True) for one in WRITES), *((one, False) for one in SILENT)]
)
def test_every_write_that_concerns_a_caller_is_told_of_and_no_other(write: str, told: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")
        cursor.execute(write)
        raw = connection.connection
        assert bool(list(raw.notifies(timeout=0.2, stop_after=1))) == told
        cursor.execute(f"UNLISTEN {CHANNEL}")
