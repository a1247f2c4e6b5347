"""Birth dates as a sign of who somebody is: which days can be one. Pure; the days themselves are kept nowhere."""

from datetime import date

OLDEST = 100  # years; below it lie 1900-01-01 and its like, which stand in a SIS for "nobody knows"


def is_birth(day: str, today: date) -> bool:
    """Whether an ISO day can be the birth date of somebody at a school."""
    try:
        born = date.fromisoformat(day)
    except ValueError:
        return False
    return born < today and today.year - born.year <= OLDEST
