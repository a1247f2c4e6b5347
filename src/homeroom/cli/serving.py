"""Serving a site over HTTP, and keeping child processes that end when we do."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import IO

from homeroom.cli.trouble import WRONG_USE, Trouble
from homeroom.web.home import home
from homeroom.web.lifeline import PARENT, end_with_parent

THREADS = 8  # per worker process: each holds one database connection
NEAR = 20  # how many ports past the usual one are tried


def choose_port(host: str, port: int | None, usual: int, option: str = "--port") -> int:
    """The port asked for with an option, or the usual one or the next free one. Raises `Trouble` when the one asked for is taken."""
    if port is not None:
        if not _free(host, port):
            raise Trouble(
                f"Port {port} on {host} cannot be used: it is taken, or not ours to take",
                f"Stop what uses it, or choose another with {option}.",
                WRONG_USE,
            )
        return port
    for candidate in range(usual, usual + NEAR):
        if _free(host, candidate):
            return candidate
    raise Trouble(
        f"Ports {usual} to {usual + NEAR - 1} are all taken", f"Choose another with {option}.", WRONG_USE
    )


def _free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except (OSError, OverflowError):
            return False
    return True


def serve_site(site: str, host: str, port: int, workers: int = 1) -> int:
    """Serves a site until Ctrl-C or SIGTERM."""
    from granian.constants import Interfaces
    from granian.server import Server

    end_with_parent()
    os.environ[PARENT] = str(os.getpid())  # the processes that answer end with this one
    Server(
        f"homeroom.{site}.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=THREADS,
        log_enabled=False,
        workers_kill_timeout=5,
    ).serve()
    return 0


def child(*words: str, log: str = "") -> "subprocess.Popen[bytes]":
    """One of our own commands as a child process, its messages in `logs` of the data directory when `log` names a file.

    It ends when this process does, however that ends.
    """
    environment = {**os.environ, PARENT: str(os.getpid())}
    command = [sys.executable, "-m", "homeroom.cli.main", *words]
    with _log(log) as messages:
        return subprocess.Popen(command, env=environment, start_new_session=True, stderr=messages)


def _log(name: str) -> AbstractContextManager[IO[bytes] | None]:
    if not name:
        return nullcontext()
    folder = home() / "logs"
    folder.mkdir(exist_ok=True)
    return (folder / f"{name}.log").open("wb")


def stop(children: "list[subprocess.Popen[bytes]]") -> None:
    """Asks every child to end, and ends those that do not."""
    for process in children:
        process.terminate()
    for process in children:
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
