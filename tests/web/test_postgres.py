"""The embedded PostgreSQL, started and stopped by many processes at once."""

import subprocess
import sys
from pathlib import Path

import pytest

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
