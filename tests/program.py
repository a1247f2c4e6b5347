"""The program as its users run it: a process, with a data directory of its own."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any


@dataclass(frozen=True)
class Said:
    """What a command ended with: its status, standard output and standard error."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        assert self.out, f"it ended with {self.status} and said: {self.err}"
        return json.loads(self.out)


def _as_in_a_terminal() -> None:
    """Ctrl-C counts, though the tests themselves may run in the background, where a shell has it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass(frozen=True)
class Program:
    """`homeroom` with one data directory."""

    home: Path

    def environment(self, **more: str) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("HOMEROOM", "DATABASE", "EMAIL", "DJANGO"))
        }
        return {**kept, "HOMEROOM_HOME": str(self.home), **more}

    def __call__(self, *words: str, given: str = "", **more: str) -> Said:
        command = [sys.executable, "-m", "homeroom.cli.main", *words]
        done = subprocess.run(
            command,
            input=given,
            capture_output=True,
            text=True,
            env=self.environment(**more),
            timeout=300,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str, **more: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "homeroom.cli.main", *words]
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment(**more),
            preexec_fn=_as_in_a_terminal,
        )

    @contextmanager
    def serving(self, *words: str, port: int, **more: str) -> Iterator[str]:
        """A server of ours on a port, for the block; its address. What it says goes to a file: a pipe that nobody reads fills up."""
        command = [sys.executable, "-m", "homeroom.cli.main", *words, "--port", str(port)]
        with tempfile.TemporaryFile("w+") as said:
            process = subprocess.Popen(command, stdout=said, stderr=said, env=self.environment(**more))
            try:
                yield wait_for(f"http://127.0.0.1:{port}", process, said=said)
            finally:
                end(process)


def end(process: "subprocess.Popen[Any]", seconds: float = 60) -> None:
    """Ends a process that was asked to; one that does not in time is killed, and that is a failure."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def wait_for(
    address: str, process: "subprocess.Popen[Any]", seconds: float = 120, said: IO[str] | None = None
) -> str:
    """Waits until a site answers."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/health", timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return address
    words = said or (process.stdout if process.poll() is not None else None)
    if said is not None:
        said.seek(0)
    raise AssertionError(f"{address} does not answer; it said: {words.read() if words else ''}")
