"""Processes that belong together end together: a child ends when the one that started it is gone, even by kill -9."""

import os
import signal
import threading
import time

PARENT = "HOMEROOM_PARENT"  # set by the one that starts a child: its own process id
GRACE = 10.0  # seconds between asking to end and ending


def end_with_parent() -> None:
    """Makes this process end when its parent is gone. Does nothing in a process that nobody of ours started."""
    parent = int(os.environ.get(PARENT, "0"))
    if parent and parent != os.getpid():
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)
