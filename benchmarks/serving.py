"""How fast the SIS side serves, beside a plain file server that sends the same bytes in the same run.

`python -m benchmarks.serving --people 100000`. Pages are asked over one kept connection, as most clients do.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import urllib3

from benchmarks.__main__ import free_port, homeroom, say, sis_side, wait_for
from benchmarks.nights import grant_token

LIMITS = (100, 1_000, 10_000)
MOST_PAGES = 200
Ask = Callable[[str], bytes]


def main() -> None:
    """Prints a table, or with --json one document."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.serving")
    options.add_argument("--people", type=int, default=100_000)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="homeroom-bench-", ignore_cleanup_errors=True) as home:
        os.environ["HOMEROOM_HOME"] = home
        rows = list(measured(chosen.people, Path(home)))
    print(json.dumps(rows) if chosen.json else as_table(rows))


def measured(people: int, home: Path) -> Iterator[dict[str, Any]]:
    """A row for each way of reading."""
    say(f"making a district of about {people:,} people")
    homeroom("sis", "generate", "--schools", "20", "--students", str(round(people / 2.2)))
    homeroom("sis", "user", "add", "Bench")
    key = homeroom("sis", "key", "new", "Bench")
    with sis_side() as site:
        ask = asker(grant_token(site["token_url"], key["key"], key["secret"]))
        for base in (site["base_url"], site["base_url"].replace("rostering/v1p2", "v1p1")):
            for way in (by_offset, by_keyset):
                for limit in LIMITS:
                    yield row(base, way, limit, ask, home)
            yield first_and_last(base, ask)


def row(base: str, way: Callable[..., Iterator[str]], limit: int, ask: Ask, home: Path) -> dict[str, Any]:
    """One walk over the users, and the same bytes from files."""
    say(f"{base[-4:]} {way.__name__} {limit}")
    pages: list[bytes] = []
    started = time.perf_counter()
    for address in way(base, limit, pages):
        pages.append(ask(address))  # noqa: PERF401 # the next address depends on this page
    seconds = time.perf_counter() - started
    plain = floor(pages, home)
    rows = sum(page.count(b'"enabledUser"') for page in pages)
    return {
        "version": base[-4:], "way": way.__name__.removeprefix("by_"), "limit": limit, "requests_per_second": round(len(pages) / seconds),
        "rows_per_second": round(rows / seconds), "file_server_rows_per_second": round(rows / plain), "share": round(plain / seconds, 2),
    }  # fmt: skip


def by_offset(base: str, limit: int, pages: list[bytes]) -> Iterator[str]:
    """Pages by position, to the end or to the most that are asked."""
    for number in range(MOST_PAGES):
        yield f"{base}/users?limit={limit}&offset={number * limit}"
        if pages[-1].count(b'"enabledUser"') < limit:
            return


def by_keyset(base: str, limit: int, pages: list[bytes]) -> Iterator[str]:
    """Pages by the last sourcedId."""
    last = ""
    for _ in range(MOST_PAGES):
        beyond = f"&filter=sourcedId%3E%27{last}%27" if last else ""
        yield f"{base}/users?limit={limit}&sort=sourcedId{beyond}"
        if pages[-1].count(b'"enabledUser"') < limit:
            return
        last = json.loads(pages[-1])["users"][-1]["sourcedId"]


def first_and_last(base: str, ask: Ask) -> dict[str, Any]:
    """What the last page of a hundred costs, beside the first."""
    total = int(ask.__self__.total(f"{base}/users?limit=1"))  # type: ignore[attr-defined]
    costs = []
    for offset in (0, total - 100):
        times = []
        for _ in range(60):
            started = time.perf_counter()
            ask(f"{base}/users?limit=100&offset={offset}")
            times.append(time.perf_counter() - started)
        costs.append(median(times))
    return {
        "version": base[-4:],
        "way": "last page to first",
        "limit": 100,
        "share": round(costs[1] / costs[0], 2),
    }


class Client:
    """One kept connection with a token."""

    def __init__(self, token: str) -> None:
        self.http = urllib3.PoolManager(maxsize=1)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(self, address: str) -> bytes:
        """The body of a page."""
        reply = self.http.request("GET", address, headers=self.headers)
        if reply.status != 200:
            sys.exit(f"{address} answered {reply.status}")
        return reply.data

    def total(self, address: str) -> str:
        """What X-Total-Count says."""
        return self.http.request("GET", address, headers=self.headers).headers["X-Total-Count"]


def asker(token: str) -> Ask:
    """A way to ask for pages."""
    return Client(token).ask


def floor(pages: list[bytes], home: Path) -> float:
    """Seconds for the same bytes from files, by the same HTTP server."""
    folder = home / "files"
    folder.mkdir(exist_ok=True)
    for number, page in enumerate(pages):
        (folder / str(number)).write_bytes(page)
    with files(folder) as root:
        ask = asker("")
        ask(f"{root}/0")
        started = time.perf_counter()
        for number in range(len(pages)):
            ask(f"{root}/{number}")
        return time.perf_counter() - started


@contextmanager
def files(folder: Path) -> Iterator[str]:
    """Granian, serving a folder and nothing else."""
    port = free_port()
    granian = str(Path(sys.executable).with_name("granian"))
    command = [
        granian,
        "--interface",
        "wsgi",
        "--port",
        str(port),
        "--no-log",
        "--static-path-mount",
        str(folder),
        "benchmarks.serving:nothing",
    ]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/static/0")
        yield f"http://127.0.0.1:{port}/static"
    finally:
        process.terminate()
        process.wait(20)


def nothing(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """What granian asks for beside the files."""
    del environ
    start_response("404 Not Found", [])
    return [b""]


def as_table(rows: list[dict[str, Any]]) -> str:
    """The figures as Markdown."""
    columns = (
        "version",
        "way",
        "limit",
        "requests_per_second",
        "rows_per_second",
        "file_server_rows_per_second",
        "share",
    )
    lines = [
        "| " + " | ".join(name.replace("_", " ") for name in columns) + " |",
        "|---" * len(columns) + "|",
    ]
    return "\n".join(
        [*lines, *("| " + " | ".join(f"{row.get(name, '')}" for name in columns) + " |" for row in rows)]
    )


if __name__ == "__main__":
    main()
