"""Commands of ours, run one after another in one process that goes on: for tests that need many of them."""

import contextlib
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from tests.program import Program, Said


@dataclass(frozen=True)
class Commands:
    """The process that takes commands, a line each."""

    to: IO[str]
    back: IO[str]

    def __call__(self, *words: str) -> Said:
        return Said(**self._asked(words))

    def sql(self, statement: str, *values: str) -> None:
        """A statement on the SIS side's database, for what would need a clock of its own."""
        self._asked({"sql": statement, "values": values})

    def _asked(self, said: object) -> Any:
        self.to.write(json.dumps(said) + "\n")
        self.to.flush()
        return json.loads(self.back.readline())


@contextlib.contextmanager
def commands(program: Program) -> Iterator[Commands]:
    """Commands with the data directory of a program, for the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.commands"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=program.environment(),
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        yield Commands(process.stdin, process.stdout)


def _serve() -> None:
    from homeroom.cli.main import _guarded

    answers = sys.stdout
    for line in sys.stdin:
        asked = json.loads(line)
        if isinstance(asked, dict):
            answers.write(json.dumps(_run(asked)) + "\n")
            answers.flush()
            continue
        sys.argv = ["homeroom", *asked]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = _guarded()
        answers.write(json.dumps({"status": status, "out": out.getvalue(), "err": err.getvalue()}) + "\n")
        answers.flush()


def _run(asked: dict[str, Any]) -> None:
    from homeroom.cli.boot import boot

    boot("sis")
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(asked["sql"], asked["values"])


if __name__ == "__main__":
    _serve()
