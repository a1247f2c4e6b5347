"""Work in a process of its own that ends as kill -9 ends it: before a chosen statement, or at a moment of the clock."""

import os
import signal
import time
from collections.abc import Callable
from typing import Any, NoReturn

from django.db import connection

from homeroom.campus.runs.lock import AlreadyRunning

_OF_THE_PARENT: list[object] = []  # kept, since closing it in the child would hang up on the parent


def killed_at(statement: int, work: Callable[[], Any]) -> bool:
    """Does the work in a process of its own that kills itself, as kill -9 does, before a statement. False: it lived."""
    child = os.fork()
    if child == 0:
        _die_at(statement, work)
    return _died(child)


def killed_after(seconds: float, work: Callable[[], Any]) -> bool:
    """The same, killed from without after so long, wherever it is then: in a statement, in a mail, between two."""
    child = os.fork()
    if child == 0:
        _die_at(1_000_000, work)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return _died(child)


def _died(child: int) -> bool:
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the work failed"
    return os.WIFSIGNALED(status)


def _die_at(statement: int, work: Callable[[], Any]) -> NoReturn:
    """Never returns: a child that went on would be a second process of the tests, and its parent would wait for it for ever."""
    _OF_THE_PARENT.append(connection.connection)
    connection.connection = None
    left = [statement]

    def count(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(sql, params, many, context)

    try:
        with connection.execute_wrapper(count):
            work()
    except BaseException:  # noqa: BLE001 # whatever it is, the parent must see it
        os._exit(1)
    os._exit(0)


def patiently(work: Callable[[], Any]) -> Any:
    """The work, as soon as PostgreSQL has noticed that the killed process is gone."""
    for _ in range(100):
        try:
            return work()
        except AlreadyRunning:
            time.sleep(0.05)
    return work()
