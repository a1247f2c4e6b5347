"""How far a run is: told to whoever watches, and kept on the run's row, at most once a second, for pages."""

from collections.abc import Callable
from datetime import datetime, timedelta

from homeroom.campus.runs.lock import fenced
from homeroom.campus.runs.models import Run

Clock = Callable[[], datetime]
Watch = Callable[[str, int, int], None]
EVERY = timedelta(seconds=1)


class Progress:
    """Counts the work of one run. `tell(step, done, total)`: total is 0 where nobody knows."""

    def __init__(self, run: Run, clock: Clock, watch: Watch | None) -> None:
        self.run, self.clock, self._watch = run, clock, watch
        self._next = clock()

    def tell(self, step: str, done: int, total: int = 0) -> None:
        """Says how far a step is; the row is a sign of life too."""
        if self._watch:
            self._watch(step, done, total)
        now = self.clock()
        if now >= self._next:
            self._next = now + EVERY
            with fenced(self.run, now):
                Run.objects.filter(pk=self.run.pk).update(
                    progress={"step": step, "done": done, "total": total}
                )
