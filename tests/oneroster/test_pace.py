"""How fast a host is asked, and how long a server may make us wait."""

from datetime import UTC, datetime

import pytest

from homeroom.oneroster.exchange import retry_after
from homeroom.oneroster.pace import Pace

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def test_calls_to_one_host_are_spread_and_another_host_is_not_kept_waiting() -> None:
    pace = Pace(4)
    assert [pace.reserve("a", 100) for _ in range(3)] == [0, 0.25, 0.5]
    assert pace.reserve("b", 100) == 0
    assert pace.reserve("a", 200) == 0


def test_a_host_that_is_asked_too_much_is_left_alone_by_everybody() -> None:
    pace = Pace()
    assert [pace.reserve("a", 0), pace.reserve("a", 0)] == [0, 0]
    pace.hold("a", 30)
    assert [pace.reserve("a", 10), pace.reserve("a", 31), pace.reserve("b", 10)] == [20, 0, 0]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("Mon, 01 Jun 2026 12:00:30 GMT", 30),
        ("Mon, 01 Jun 2026 11:00:00 GMT", 0),
        ("Mon, 01 Jun 2026 12:00:30", 30),
        ("soon", 0),
        ("", 0),
        ("-5", 0),
        ("٣", 0),
        ("9" * 400, 999_999_999),
        ("Mon, 01 Jun 99999 12:00:30 GMT", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float) -> None:
    assert retry_after(header, NOON) == seconds
