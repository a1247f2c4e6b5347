"""Callers that this process knows already, for as long as nothing about them changes.

The database says when something does: every write to a table that a caller depends on sends a notice (see the migration), and
all that is known is forgotten. While nobody listens, nothing is kept, so a secured user who is no longer active is refused at once.
"""

import logging
import threading
import time
from datetime import datetime
from typing import Generic, TypeVar

import psycopg
from django.db import connection

Caller = TypeVar("Caller")
log = logging.getLogger(__name__)
CHANNEL = "homeroom_sis_callers"
MOST = 10_000
PULSE = 5.0  # seconds between proofs that the listening connection lives


class Known(Generic[Caller]):
    """Callers by the hash of their token, each until a moment at which its token or key ends."""

    def __init__(self) -> None:
        self._callers: dict[bytes, tuple[Caller, datetime]] = {}
        self._changes = 0
        self._listening = False
        self._starting = threading.Lock()

    def get(self, token: bytes, now: datetime) -> Caller | None:
        """The caller of a token, when it is known and still good."""
        found = self._callers.get(token)
        return found[0] if found is not None and now < found[1] else None

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
                self.forget()
                self._listening = True
                while True:
                    for _ in listening.notifies(timeout=PULSE):
                        self.forget()
                    listening.execute("SELECT 1")
        except psycopg.Error:
            log.info("the database is gone; callers are looked up one by one until it is back")
        finally:
            self._listening = False
            self.forget()
            time.sleep(1)
            self._starting.release()


_ADDRESS = ("host", "port", "user", "password", "dbname", "sslmode", "options")
