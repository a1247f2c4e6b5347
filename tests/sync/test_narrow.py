"""Roles in force: dates that can be read, and those that cannot."""

from datetime import date

import pytest

from homeroom.sync.narrow import in_force
from homeroom.sync.roster import SourceRole

TODAY = date(2026, 6, 1)


@pytest.mark.parametrize(
    ("begin", "end", "is_it"),
    [
        ("", "", True),
        ("2026-06-01", "2026-06-02", True),
        ("2026-06-02", "", False),
        ("", "2026-06-01", False),
        ("2025-09-01T00:00:00Z", "2026-07-01T00:00:00Z", True),
        ("06/01/2025", "05/01/2020", True),
        ("soon", "0001-99-99", True),
    ],
)
def test_a_date_that_cannot_be_read_neither_delays_nor_ends_a_role(begin: str, end: str, is_it: bool) -> None:
    assert in_force(SourceRole("student", "o1", begin=begin, end=end), TODAY) == is_it
