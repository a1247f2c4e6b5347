"""Four nights of a district of 100,000 people, each beside its floor in the same run: `make bench`.

Everything is real: the SIS side serves over HTTP, the school app reads, decides and writes on the embedded PostgreSQL.
Figures of one machine mean little; the ratios to the floor are what `docs/performance.md` keeps.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3

from benchmarks.nights import change_users, grant_token, one_in

HOMEROOM = str(Path(sys.executable).with_name("homeroom"))
SCHOOL = "Bench School"
NIGHTS = {
    "first import": 0,
    "unchanged night": 0,
    "0.1 % changed": 1000,
    "1 % changed": 100,
}  # one user in so many changes


def main() -> None:
    """Prints a table, or with --json one document."""
    options = argparse.ArgumentParser(prog="python -m benchmarks")
    options.add_argument("--people", type=int, default=100_000)
    options.add_argument("--json", action="store_true")
    options.add_argument(
        "--home", help="a data directory whose SIS side has its people already and whose school app is empty"
    )
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="homeroom-bench-", ignore_cleanup_errors=True) as made:
        os.environ["HOMEROOM_HOME"] = chosen.home or made
        if not chosen.home:
            make_district(chosen.people)
        rows = list(run_nights())
    print(json.dumps(rows) if chosen.json else as_table(rows))


def make_district(people: int) -> None:
    """One school. A student brings about 1.2 other people along: guardians, mostly, and some staff."""
    say(f"making a district of about {people:,} people")
    homeroom("sis", "generate", "--schools", "1", "--students", str(round(people / 2.2)))


def run_nights() -> Iterator[dict[str, Any]]:
    """One row a night: the sync's seconds and memory, the floor's, and their ratio."""
    with sis_side() as site:
        key = connect(site)
        token = grant_token(site["token_url"], key["key"], key["secret"])
        for night, many in NIGHTS.items():
            if many:
                say(f"changing one person in {many} at the SIS")
                homeroom("sis", "load", str(change_users(homeroom, one_in(many))))
            say(night)
            yield measure(night, site["base_url"], token)


def measure(night: str, base_url: str, token: str) -> dict[str, Any]:
    """One sync and its floor, back to back."""
    pages = python("benchmarks.floor", "pages", base_url, token)
    synced, seconds, memory = timed([HOMEROOM, "sync", SCHOOL, "--json"])
    if synced["state"] != "done" or not synced["complete"]:
        sys.exit(f"{night}: the sync ended as {synced['state']}: {synced['message']}")
    written = sum(synced["counts"][action] for action in ("add", "update", "archive", "restore"))
    copied = python("benchmarks.floor", "copy", database_url(), str(written)) if written else {"seconds": 0.0}
    floor = pages["seconds"] + copied["seconds"]
    return {
        "night": night,
        "people": int(pages["rows"]),
        "written": written,
        "megabytes": round(pages["bytes"] / 1e6, 1),
        "sync_seconds": round(synced["seconds"], 2),
        "whole_process_seconds": round(seconds, 2),
        "rows_per_second": round(pages["rows"] / synced["seconds"]),
        "peak_memory_mb": round(memory / 1e6),
        "floor_seconds": round(floor, 2),
        "ratio": round(synced["seconds"] / floor, 2),
        "counts": synced["counts"],
    }


def connect(site: dict[str, str]) -> dict[str, str]:
    """A secured user, its key, and a school of the app that uses them with every switch on."""
    homeroom("sis", "user", "add", "Bench")
    key = homeroom("sis", "key", "new", "Bench")
    orgs = urllib3.request(
        "GET",
        f"{site['base_url']}/schools",
        headers={"Authorization": f"Bearer {grant_token(site['token_url'], key['key'], key['secret'])}"},
    ).json()["orgs"]
    homeroom("school", "add", SCHOOL, "--district", "Bench District")
    os.environ["HOMEROOM_SECRET"] = key["secret"]
    homeroom(
        "connect", SCHOOL, "--url", site["base_url"], "--key", key["key"], "--school-id", orgs[0]["sourcedId"]
    )
    groups = ("students", "teachers", "staff", "admins")
    switches = [f"{group}{switch}=on" for group in groups for switch in ("", ".auto_update", ".archive")]
    homeroom("policy", SCHOOL, *switches, "parents=on")
    return {"key": key["key"], "secret": key["secret"]}


@contextmanager
def serving(*words: str) -> Iterator[str]:
    """The root of a site as a process of its own, for as long as the block lasts."""
    port = free_port()
    process = subprocess.Popen([HOMEROOM, *words, "--port", str(port)], stderr=subprocess.DEVNULL)
    root = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{root}/health")
        yield root
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def sis_side() -> Iterator[dict[str, str]]:
    """The addresses of a SIS side of its own."""
    with serving("sis", "serve") as root:
        yield {"base_url": f"{root}/ims/oneroster/rostering/v1p2", "token_url": f"{root}/oauth/token"}


def homeroom(*words: str) -> dict[str, Any]:
    """One command of ours, its JSON."""
    done = subprocess.run([HOMEROOM, *words, "--json"], stdout=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(
            f"homeroom {' '.join(words[:2])} ended with {done.returncode}: {done.stdout.decode()[-2000:]}"
        )
    answer: dict[str, Any] = json.loads(done.stdout or b"{}")
    return answer


def timed(command: list[str]) -> tuple[dict[str, Any], float, int]:
    """A command's JSON, its wall time in seconds and its peak memory in bytes."""
    took = json.loads(subprocess.check_output([sys.executable, "-m", "benchmarks.alone", *command]))
    return took["said"], took["seconds"], took["memory"]


def python(module: str, *words: str) -> dict[str, float]:
    """A module of ours run by itself, its JSON."""
    answer: dict[str, float] = json.loads(subprocess.check_output([sys.executable, "-m", module, *words]))
    return answer


def database_url() -> str:
    """The app's database on the embedded server, as an address psycopg understands."""
    from homeroom.web.postgres import database_url as address

    return address("campus")


def wait_for(address: str) -> None:
    """Returns when the address answers; gives up after a minute."""
    for _ in range(600):
        try:
            if urllib3.request("GET", address, retries=False, timeout=1).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            time.sleep(0.1)
    sys.exit(f"{address} did not answer within a minute")


def free_port() -> int:
    """A port nobody listens on."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def as_table(rows: list[dict[str, Any]]) -> str:
    """The figures as Markdown, ready for docs/performance.md."""
    columns = (
        "night",
        "people",
        "written",
        "megabytes",
        "sync_seconds",
        "rows_per_second",
        "peak_memory_mb",
        "floor_seconds",
        "ratio",
    )
    lines = [
        "| " + " | ".join(name.replace("_", " ") for name in columns) + " |",
        "|---" * len(columns) + "|",
    ]
    lines += ["| " + " | ".join(str(row[name]) for name in columns) + " |" for row in rows]
    return "\n".join(lines)


def say(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
