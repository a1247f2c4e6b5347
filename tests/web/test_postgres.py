"""The embedded PostgreSQL, started and stopped by many processes at once."""

import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest

from homeroom.web import postgres
from tests.program import Program

pytestmark = pytest.mark.slow
ASK = "from homeroom.web.postgres import database_url; import psycopg; psycopg.connect(database_url({site!r})).execute('SELECT 1')"


def test_many_processes_that_come_and_go_at_once_all_find_it(tmp_path: Path) -> None:
    program = Program(tmp_path)
    for _ in range(3):
        asking = [
            subprocess.Popen(
                [sys.executable, "-c", ASK.format(site=site)],
                env=program.environment(),
                stderr=subprocess.PIPE,
            )
            for site in ("campus", "sis", "campus", "sis", "campus")
        ]
        ended = [(process.wait(120), process.stderr.read() if process.stderr else b"") for process in asking]
        assert [status for status, _ in ended] == [0] * 5, ended


class SlowToStart:
    """The embedding library on a machine so busy that PostgreSQL is up only after the library's patience."""

    class PostgresServer:
        _instances: ClassVar[dict[Path, object]] = {}

    def __init__(self) -> None:
        self.asked = 0

    def get_server(self, folder: str) -> str:
        self.asked += 1
        if self.asked == 1:
            raise subprocess.TimeoutExpired("pg_ctl", 10)
        if self.asked == 2:
            raise AssertionError("it is still starting")
        return f"a server in {folder}"


def test_a_server_that_is_slow_to_start_is_waited_for(tmp_path: Path) -> None:
    assert postgres._patiently(SlowToStart(), tmp_path) == f"a server in {tmp_path}"
