"""Problems of one reading, few enough to be looked at: the first of each cause one by one, the rest counted."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from homeroom.problems import Problem

EACH = 200


@dataclass(slots=True)
class Tally:
    """`kept` are the first `EACH` problems of a code in a field, `more` how many more of it there were."""

    kept: list[Problem] = field(default_factory=list)
    more: Counter[Problem] = field(default_factory=Counter)
    _counts: Counter[tuple[str, str, str | None]] = field(default_factory=Counter)

    def add(self, problems: Iterable[Problem]) -> None:
        """Takes problems in."""
        for problem in problems:
            cause = problem.code, problem.where, problem.field
            self._counts[cause] += 1
            if self._counts[cause] <= EACH:
                self.kept.append(problem)
            else:
                self.more[replace(problem, sourced_id=None, row=None, detail="")] += 1
