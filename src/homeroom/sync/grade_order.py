"""Which of two grades is the higher. Only to tell which way students go; a grade is shown as it came."""

_BEFORE_FIRST = {"IT": -6, "PR": -5, "PK": -4, "TK": -3, "KG": -2, "K": -2}


def rank(grade: str) -> int | None:
    """A number that grows with the grade; None for one that stands in no order, such as UG or Other."""
    word = grade.strip().upper()
    return int(word) if word.isdecimal() and len(word) < 4 else _BEFORE_FIRST.get(word)


def highest(grades: list[str]) -> str:
    """The highest of some grades; "" when none of them stands in an order."""
    ranked = [(found, grade) for grade in grades if (found := rank(grade)) is not None]
    return max(ranked)[1] if ranked else ""
