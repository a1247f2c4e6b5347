"""How fast the SIS side serves, beside a plain file server that sends the same bytes in the same run.

`python -m benchmarks.serving --people 100000`. Client, servers and database share the machine. Every page is asked over kept
connections; first the snapshots are waited for, as after a load in the night.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

import psutil

from benchmarks.__main__ import free_port, homeroom, say, sis_side, wait_for
from benchmarks.kept import Kept, rate
from benchmarks.nights import grant_token

LIMITS = (100, 1_000, 10_000)
BASES = {"1.1": "/ims/oneroster/v1p1", "1.2": "/ims/oneroster/rostering/v1p2"}
FILTERS = {"all": "", "filtered": "status='active'"}
LEAST = 2.0  # seconds each figure is measured for
MOST_PAGES = 100  # of one walk
_LAST_ID = re.compile(rb'\{"sourcedId":"([^"]*)","status"')


def main() -> None:
    """Prints two tables, or with --json one document."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.serving")
    options.add_argument("--people", type=int, default=100_000)
    options.add_argument("--json", action="store_true")
    options.add_argument("--keep", help="a data directory to make the district in, or to find it in again")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="homeroom-bench-", ignore_cleanup_errors=True) as made:
        home = chosen.keep or made
        os.environ["HOMEROOM_HOME"] = home
        document = measured(chosen.people, Path(home))
    print(json.dumps(document) if chosen.json else as_tables(document))


def measured(people: int, home: Path) -> dict[str, Any]:
    """Everything: how long it took to be ready, a row for each way of reading, ends, and memory."""
    key = district(people, home)
    with sis_side() as site, files(home) as (folder, file_server):
        root = site["base_url"].partition("/ims/")[0]
        token = grant_token(site["token_url"], key["key"], key["secret"])
        ready = wait_for_snapshots(home)
        before = memory()
        server, plain = Kept(root, token), Kept(file_server)
        walks = [
            walk(server, plain, folder, version, way, limit, held)
            for version in BASES for held in FILTERS for way in ("offset", "keyset") for limit in LIMITS
        ]  # fmt: skip
        ends = [
            first_and_last(server, version, way, held)
            for version in BASES
            for held in FILTERS
            for way in ("offset", "keyset")
        ]
        many = [at_once(root, token, file_server, folder, version) for version in BASES]
        held = {"before_mb": before, "after_mb": memory()}
    return {
        "people": people,
        "seconds_to_snapshots": ready,
        "walks": walks,
        "ends": ends,
        "at_once": many,
        "memory": held,
    }


def district(people: int, home: Path) -> dict[str, str]:
    """The key to a district of about so many people, made unless it is there."""
    kept = home / "key.json"
    if not kept.exists():
        say(f"making a district of about {people:,} people")
        homeroom(
            "sis",
            "generate",
            "--schools",
            str(max(people // 5000, 1)),
            "--students",
            str(round(people / 2.2)),
        )
        homeroom("sis", "user", "add", "Bench")
        kept.write_text(json.dumps(homeroom("sis", "key", "new", "Bench")))
    found: dict[str, str] = json.loads(kept.read_text())
    return found


def wait_for_snapshots(home: Path) -> float:
    """Seconds until the collections stand ready as files: demographics are the last that is made."""
    started = time.perf_counter()
    while not list((home / "snapshots").glob("*/0/*/demographics.v1p2")):
        time.sleep(0.2)
    return round(time.perf_counter() - started, 1)


def walk(
    server: Kept, plain: Kept, folder: Path, version: str, way: str, limit: int, held: str
) -> dict[str, Any]:
    """Users page after page, again from the start until it took long enough; then the same bytes from files, as long."""
    say(f"{version} {way} {limit} {held}")
    pages = [page for _, page in (server.ask(path) for path in addresses(server, version, way, limit, held))]
    paths = list(addresses(server, version, way, limit, held))
    ours = repeated(server, paths)
    for number, page in enumerate(pages):
        (folder / str(number)).write_bytes(page)
    theirs = repeated(plain, [f"/static/{number}" for number in range(len(pages))])
    rows = sum(page.count(b'"enabledUser"') for page in pages) / len(pages)
    return {
        "version": version, "records": held, "way": way, "limit": limit, "requests_per_second": round(ours),
        "rows_per_second": round(ours * rows), "file_server_rows_per_second": round(theirs * rows), "share": round(ours / theirs, 2),
    }  # fmt: skip


def repeated(kept: Kept, paths: list[str]) -> float:
    """Requests a second, over whole walks of the paths."""
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < LEAST:
        for path in paths:
            kept.ask(path)
        count += len(paths)
    return count / (time.perf_counter() - started)


def addresses(server: Kept, version: str, way: str, limit: int, held: str) -> Iterator[str]:
    """The pages of a walk. By id, each is known once the page before it came."""
    last, rest = "", FILTERS[held]
    for number in range(MOST_PAGES):
        path = address(version, limit, rest, number * limit if way == "offset" else None, last)
        yield path
        head, page = server.ask(path)
        if page.count(b'"enabledUser"') < limit or b'rel="next"' not in head:
            return
        last = last_id(page)


def address(version: str, limit: int, rest: str, offset: int | None, last: str = "") -> str:
    """The address of a page of users, by position or after an id."""
    beyond = [f"sourcedId>'{last}'"] if last else []
    wanted = " AND ".join([rest, *beyond] if rest else beyond)
    place = f"&offset={offset}" if offset is not None else "&sort=sourcedId"
    return f"{BASES[version]}/users?limit={limit}{place}" + (f"&filter={quote(wanted)}" if wanted else "")


def last_id(page: bytes) -> str:
    """The sourcedId of the last record of a page."""
    return _LAST_ID.findall(page, max(page.rfind(b'{"sourcedId"', 0, len(page)) - 20_000, 0))[-1].decode()


def first_and_last(server: Kept, version: str, way: str, held: str) -> dict[str, Any]:
    """What the last page of a hundred costs, beside the first."""
    rest = FILTERS[held]
    head, _ = server.ask(address(version, 1, rest, 0))
    total = int(re.search(rb"x-total-count: *(\d+)", head)[1])  # type: ignore[index]
    first = address(version, 100, rest, 0 if way == "offset" else None)
    last = address(version, 100, rest, total - 100)
    if way == "keyset":
        _, page = server.ask(address(version, 101, rest, total - 101))
        last = address(version, 100, rest, None, str(_LAST_ID.search(page)[1], "ascii"))  # type: ignore[index]
    costs = medians(server, first, last)
    return {"version": version, "records": held, "way": way, "first_ms": round(costs[0] * 1e3, 2),
            "last_ms": round(costs[1] * 1e3, 2), "last_to_first": round(costs[1] / costs[0], 2)}  # fmt: skip


def medians(server: Kept, *paths: str) -> list[float]:
    """The medians of some pages' seconds, asked in turn, so that a busy moment of the machine strikes all alike."""
    times: list[list[float]] = [[] for _ in paths]
    for _ in range(1000):
        for path, mine in zip(paths, times, strict=True):
            started = time.perf_counter()
            server.ask(path)
            mine.append(time.perf_counter() - started)
    return [median(mine) for mine in times]


def at_once(root: str, token: str, file_server: str, folder: Path, version: str) -> dict[str, Any]:
    """Pages of a hundred over four kept connections at once."""
    paths = [address(version, 100, "", number * 100) for number in range(MOST_PAGES)]
    server = Kept(root, token)
    for number, path in enumerate(paths):
        (folder / str(number)).write_bytes(server.ask(path)[1])
    ours = rate(root, token, paths, 4, LEAST)
    theirs = rate(file_server, "", [f"/static/{number}" for number in range(len(paths))], 4, LEAST)
    return {"version": version, "connections": 4, "limit": 100, "requests_per_second": round(ours),
            "file_server_requests_per_second": round(theirs), "share": round(ours / theirs, 2)}  # fmt: skip


def memory() -> int:
    """Megabytes of the processes that serve the SIS side, without the database."""
    mine = psutil.Process().children(recursive=True)
    return round(sum(one.memory_info().rss for one in mine if "sis" in one.cmdline()) / 1e6)


@contextmanager
def files(home: Path) -> Iterator[tuple[Path, str]]:
    """Granian, serving a folder and nothing else."""
    folder, port = home / "files", free_port()
    folder.mkdir(exist_ok=True)
    (folder / "0").write_bytes(b"")
    granian = str(Path(sys.executable).with_name("granian"))
    options = ["--interface", "wsgi", "--port", str(port), "--no-log", "--static-path-mount", str(folder)]
    process = subprocess.Popen([granian, *options, "benchmarks.serving:nothing"], stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/static/0")
        yield folder, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def nothing(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """What granian asks for beside the files."""
    del environ
    start_response("404 Not Found", [])
    return [b""]


def as_tables(document: dict[str, Any]) -> str:
    """The figures as Markdown."""
    said = [f"{document['people']:,} people; snapshots ready {document['seconds_to_snapshots']} s after the start; "
            f"memory of the server {document['memory']['before_mb']} MB before, {document['memory']['after_mb']} MB after."]  # fmt: skip
    return "\n\n".join([*said, *(as_table(document[name]) for name in ("walks", "ends", "at_once"))])


def as_table(rows: list[dict[str, Any]]) -> str:
    """Rows as Markdown."""
    lines = [
        "| " + " | ".join(name.replace("_", " ") for name in rows[0]) + " |",
        "|---" * len(rows[0]) + "|",
    ]
    return "\n".join(
        [*lines, *("| " + " | ".join(str(said) for said in row.values()) + " |" for row in rows)]
    )


if __name__ == "__main__":
    main()
