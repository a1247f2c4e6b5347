"""The program as its users run it: a process, with a data directory of its own."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Said:
    """What a command ended with: its status, standard output and standard error."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)


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
            timeout=180,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str, **more: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "homeroom.cli.main", *words]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self.environment(**more)
        )

    @contextmanager
    def serving(self, *words: str, port: int, **more: str) -> Iterator[str]:
        """A server of ours on a port, for the block; its address."""
        process = self.start(*words, "--port", str(port), **more)
        try:
            yield wait_for(f"http://127.0.0.1:{port}", process)
        finally:
            process.terminate()
            process.wait(20)


def wait_for(address: str, process: "subprocess.Popen[str]", seconds: float = 60) -> str:
    """Waits until a site answers."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/health", timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return address
    raise AssertionError(
        f"{address} does not answer; it said: {process.stdout.read() if process.poll() is not None and process.stdout else ''}"
    )
