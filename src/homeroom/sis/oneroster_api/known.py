"""Callers that this process knows already, for as long as nothing about them changes.

The database says when something does: every write to a table that a caller depends on sends a notice (see the migration), and
all that is known is forgotten. While nobody listens, nothing is kept, so a secured user who is no longer active is refused at once.
"""

import logging
import select
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

import psycopg
from django.db import connection

Caller = TypeVar("Caller")
log = logging.getLogger(__name__)
CHANNEL = "homeroom_sis_callers"
MOST = 10_000
PULSE = 5.0  # seconds between proofs that the listening connection lives
TRUST = 3 * PULSE  # without a proof for so long, what is known counts for nothing


class Known(Generic[Caller]):
    """Callers by the hash of their token, each until a moment at which its token or key ends."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard = -TRUST  # when the database last proved that it would have told us
        self._callers: dict[bytes, tuple[Caller, datetime]] = {}
        self._changes = 0
        self._listening = False
        self._unread: Callable[[], bool] = lambda: (
            False
        )  # whether news lies on the connection that nobody has read
        self._starting = threading.Lock()

    def get(self, token: bytes, now: datetime) -> Caller | None:
        """The caller of a token, when it is known and still good, and news of it would have come."""
        found = self._callers.get(token)
        if found is None or now >= found[1] or self._clock() - self._heard > TRUST or self._unread():
            return None
        return found[0]

    @property
    def changes(self) -> int:
        """How often something changed: to be read before the database is asked."""
        return self._changes

    def keep(self, token: bytes, caller: Caller, until: datetime, since: int) -> None:
        """Remembers a caller, unless something changed since it was looked up or nobody listens for changes."""
        if not self._listening:
            self._listen()
        elif since == self._changes:
            if len(self._callers) >= MOST:
                self._callers.clear()
            self._callers[token] = caller, until

    def forget(self) -> None:
        """Knows nobody any more."""
        self._changes += 1
        self._callers = {}

    def _listen(self) -> None:
        if self._starting.acquire(blocking=False):
            threading.Thread(
                target=self._watch, args=(connection.get_connection_params(),), daemon=True
            ).start()

    def _watch(self, parameters: dict[str, object]) -> None:
        try:
            address = {name: parameters[name] for name in _ADDRESS if parameters.get(name)}
            with psycopg.connect(autocommit=True, **address) as listening:  # type: ignore[arg-type]
                listening.execute(f"LISTEN {CHANNEL}")
                self._unread = lambda: _readable(listening)
                self.forget()
                self._heard, self._listening = self._clock(), True
                while True:
                    for _ in listening.notifies(timeout=PULSE):
                        self.forget()
                        self._heard = self._clock()
                    listening.execute("SELECT 1")
                    self._heard = self._clock()
        except psycopg.Error:
            log.info("the database is gone; callers are looked up one by one until it is back")
        finally:
            self._listening, self._unread = False, lambda: True
            self.forget()
            time.sleep(1)
            self._starting.release()


def _readable(listening: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Whether there is something to read: the thread that listens may not have had its turn yet."""
    try:
        waiting = select.poll()
        waiting.register(listening.fileno(), select.POLLIN)
        return bool(waiting.poll(0))
    except (psycopg.Error, OSError):  # it is being closed
        return True


_ADDRESS = ("host", "port", "user", "password", "dbname", "sslmode", "options")
