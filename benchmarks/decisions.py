"""A plan of 100,000 changes, from the sync that holds it to its undoing: `python -m benchmarks.decisions`.

Half of the students of a school are gone at its SIS, the others have another name: the updates go on, the removals are held, somebody looks
at the plan page by page in the school app, approves it, and takes the whole run back. Each step stands beside the COPY of as many rows.
"""

import argparse
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import urllib3

from benchmarks.__main__ import (
    HOMEROOM,
    SCHOOL,
    connect,
    database_url,
    homeroom,
    python,
    say,
    serving,
    sis_side,
    timed,
)
from benchmarks.nights import change_users, half_leave

OWNER = "r.diaz@school.example"
PASSWORD = "only-for-this-bench"
LOOKS = {"first page": "", "last page": "page=100000", "one action": "action=archive", "one name": "q=ana"}


def main() -> None:
    """Prints two tables, or with --json one document."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.decisions")
    options.add_argument("--changes", type=int, default=100_000)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="homeroom-bench-", ignore_cleanup_errors=True) as home:
        os.environ["HOMEROOM_HOME"] = home
        document = measured(chosen.changes, Path(home))
    print(json.dumps(document) if chosen.json else as_tables(document))


def measured(changes: int, home: Path) -> dict[str, Any]:
    """What each step of a decision costs, and how long a page of the plan takes."""
    say(f"making a school of about {changes:,} students")
    homeroom("sis", "generate", "--schools", "1", "--students", str(changes))
    with sis_side() as site:
        connect(site)
        say("the first import")
        timed([HOMEROOM, "sync", SCHOOL, "--json"])
        say("half of them leave, the others change")
        homeroom("sis", "load", str(change_users(homeroom, half_leave, only="student")))
        steps = [step("plan, hold, updates carried out", "sync", SCHOOL)]
    if steps[0]["state"] != "held":
        sys.exit(f"the plan was not held but is {steps[0]['state']}")
    run = str(steps[0]["run"])
    pages = looks(run, home)
    steps += [
        step("approve the removals", "run", "approve", run, moves=("archive",)),
        step("undo", "run", "undo", run),
    ]
    return {"steps": steps, "pages": pages}


MOVES = ("add", "update", "archive", "restore")


def step(name: str, *words: str, moves: tuple[str, ...] = MOVES) -> dict[str, Any]:
    """One command, and the COPY of as many rows as it moved."""
    say(name)
    said, seconds, memory = timed([HOMEROOM, *words, "--json"])
    moved = sum(said["counts"][action] for action in moves)
    floor = python("benchmarks.floor", "copy", database_url(), str(max(moved, 1)))["seconds"]
    return {
        "step": name, "run": said["run"], "state": said["state"], "changes": moved, "seconds": round(seconds, 1),
        "microseconds_per_change": round(seconds / max(moved, 1) * 1e6), "peak_memory_mb": round(memory / 1e6),
        "floor_seconds": round(floor, 2), "ratio": round(seconds / floor, 1),
    }  # fmt: skip


def looks(run: str, home: Path) -> list[dict[str, Any]]:
    """Milliseconds until a page of the plan is there, as an owner's browser asks for it."""
    (home / "password").write_text(PASSWORD)
    homeroom(
        "account",
        "add",
        OWNER,
        "--school",
        SCHOOL,
        "--role",
        "owner",
        "--password-file",
        str(home / "password"),
    )
    school = homeroom("school", "list")["schools"][0]["id"]
    with serving("serve") as root:
        ask = signed_in(root)
        address = f"{root}/schools/{school}/rostering/runs/{run}/"
        return [
            {"page": name, "milliseconds": round(took(ask, f"{address}?{query}") * 1e3)}
            for name, query in LOOKS.items()
        ]


class signed_in:  # noqa: N801 - used as the function that it is
    """GET of a page as the owner, after a sign-in by form."""

    def __init__(self, root: str) -> None:
        self._http = urllib3.PoolManager()
        self._cookies: dict[str, str] = {}
        form = f"{root}/sign-in/login/"
        token = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', self(form))
        given = {
            "login": OWNER,
            "password": PASSWORD,
            "csrfmiddlewaretoken": token[1].decode() if token else "",
        }
        reply = self._http.request_encode_body(
            "POST", form, given, {**self._head(), "Referer": form}, encode_multipart=False, redirect=False
        )
        if reply.status != 302:
            sys.exit(f"the owner could not sign in: {reply.status}")
        self._keep(reply)

    def __call__(self, address: str) -> bytes:
        reply = self._http.request("GET", address, headers=self._head(), redirect=False)
        if reply.status != 200:
            sys.exit(f"{address} was answered with {reply.status}")
        self._keep(reply)
        return reply.data

    def _head(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}

    def _keep(self, reply: urllib3.BaseHTTPResponse) -> None:
        for line in reply.headers.getlist("Set-Cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value


def took(ask: Any, address: str) -> float:
    """The median of five."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        ask(address)
        times.append(time.perf_counter() - started)
    return median(times)


def as_tables(document: dict[str, Any]) -> str:
    """The figures as Markdown, ready for docs/performance.md."""
    return "\n\n".join(as_table(rows) for rows in (document["steps"], document["pages"]))


def as_table(rows: list[dict[str, Any]]) -> str:
    """Rows of one shape as Markdown."""
    lines = [" | ".join(name.replace("_", " ") for name in rows[0]), "|".join("---" for _ in rows[0])]
    lines += [" | ".join(str(value) for value in row.values()) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


if __name__ == "__main__":
    main()
