"""`homeroom demo`: the whole main job with an invented district, by the very commands that anyone can type."""

import json as json_
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from homeroom.cli import show
from homeroom.cli.arguments import Json
from homeroom.cli.serving import child, choose_port, stop
from homeroom.cli.trouble import FAILED, HELD, Trouble
from homeroom.web.home import home
from homeroom.web.postgres import is_embedded

HOST = "127.0.0.1"
DISTRICT, SCHOOL = "Riverside Unified School District", "Lincoln High"
OWNER, MANAGER, ADMINISTRATOR = "owner@homeroom.example", "district@homeroom.example", "it@homeroom.example"
POLICY = (
    "students=on",
    "teachers=on",
    "staff=on",
    "admins=on",
    "parents=on",
    "enabled=on",
    f"notify={OWNER}",
)
WAIT = 60  # seconds a server may take to answer


@dataclass
class Stage:
    """The two servers, and where they are."""

    app_url: str
    sis_url: str
    processes: "list[subprocess.Popen[bytes]]"


def add_to(app: typer.Typer) -> None:
    """Hangs this command into the program."""
    app.command()(demo)


def demo(
    students: Annotated[int, typer.Option(min=1, help="Students of the sample district.")] = 1200,
    port: Annotated[int | None, typer.Option(help="Of the school app: 8000, or the next free one.")] = None,
    sis_port: Annotated[int | None, typer.Option(help="Of the SIS side: 8010, or the next free one.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop after the sync.")] = False,
    json: Json = False,
) -> int:
    """Starts both sites with a sample district, connects them, syncs, and stays up until Ctrl-C."""
    sis = choose_port(HOST, sis_port, 8010, "--sis-port")
    app = choose_port(HOST, port, 8000 if sis != 8000 else 8001)
    stage = Stage(f"http://{HOST}:{app}", f"http://{HOST}:{sis}", [])
    os.environ.update(HOMEROOM_URL=stage.app_url, HOMEROOM_SIS_URL=stage.sis_url)
    try:
        return _play(stage, students, once, json)
    finally:
        stop(stage.processes)


def _play(stage: Stage, students: int, once: bool, json: bool) -> int:
    school_id = _district(students)
    _open(stage)
    with ThreadPoolExecutor(1) as beside:  # the two sites are apart, so both can be prepared at once
        sign_ins = beside.submit(_school)
        key = _key()
        password = sign_ins.result()
    _connect(key, school_id)
    run = _sync()
    sign_in = {
        "email": OWNER,
        "district_manager_email": MANAGER,
        "sis_email": ADMINISTRATOR,
        "password": password,
    }
    addresses = {"app_url": stage.app_url, "sis_url": stage.sis_url, "oneroster_url": key["oneroster_url"]}
    said = {**addresses, "sign_in": sign_in, "run": run}
    show.document(said) if json else _tell(said)
    return 0 if once else _stay(stage)


def _district(students: int) -> str:
    """The sample district, but never in place of data that somebody loaded; returns the School ID to type."""
    show.note("1  The SIS side gets a district of invented people …")
    here = _ask("sis", "status")
    if here["counts"] and not here["generated"]:
        show.note("   It has data of yours already, which stays.")
    elif here["counts"].get("student", 0) != students:
        _ask("sis", "generate", "--students", str(students), shown=True)
        here = _ask("sis", "status")
    named = [school for school in here["schools"] if school["name"] == SCHOOL] or here["schools"]
    return str(named[0]["identifier"] or named[0]["sourcedId"])


def _open(stage: Stage) -> None:
    show.note("2  Both sites open …")
    port = stage.sis_url.rpartition(":")[2], stage.app_url.rpartition(":")[2]
    stage.processes.append(child("sis", "serve", "--port", port[0], log="sis"))
    stage.processes.append(child("serve", "--port", port[1], log="app"))
    for address, process in zip((stage.sis_url, stage.app_url), stage.processes, strict=True):
        _wait_for(address, process)
    if not is_embedded("campus"):  # with a database of its own the school app leaves its worker to us
        stage.processes.append(child("worker", log="worker"))


def _wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + WAIT
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2):  # noqa: S310 # our own address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise Trouble(
        f"{address} does not answer", f"Look into {home() / 'logs'} for the reason, and start the demo again."
    )


def _key() -> dict[str, str]:
    show.note("3  “Minga” becomes a secured user; Generate a New Secret …")
    if not _ask("sis", "user", "add", "Minga")["active"]:
        _ask("sis", "user", "activate", "Minga")
    key: dict[str, str] = _ask("sis", "key", "new", "Minga")
    _ask("sis", "account", "add", ADMINISTRATOR, "--password-file", "-", given=_password())
    return key


def _school() -> str:
    """The school, and who may sign in there; returns their password."""
    _ask("school", "add", SCHOOL, "--district", DISTRICT)
    words, password = ("--password-file", "-"), _password()
    _ask("account", "add", OWNER, "--school", SCHOOL, "--role", "owner", *words, given=password)
    _ask(
        "account",
        "add",
        MANAGER,
        "--district",
        DISTRICT,
        "--role",
        "district_manager",
        *words,
        given=password,
    )
    return password


def _connect(key: dict[str, str], school_id: str) -> None:
    show.note("4  The school app connects, with Test Connection …")
    words = (
        "--url",
        key["oneroster_url"],
        "--key",
        key["key"],
        "--school-id",
        school_id,
        "--secret-file",
        "-",
    )
    _ask("connect", SCHOOL, *words, given=key["secret"])
    _ask("policy", SCHOOL, *POLICY)


def _sync() -> dict[str, Any]:
    show.note("5  The first sync …")
    status, answer = _run("sync", SCHOOL, shown=True)
    if status not in (0, HELD):
        raise Trouble(f"The sync failed: {answer.get('message', '')}", str(answer.get("cure", "")))
    return answer


def _password() -> str:
    """One password for the sample sign-ins, made once and kept beside the encryption key."""
    path = home() / "demo-password"
    if not path.exists():
        path.touch(0o600)
        path.write_text(secrets.token_urlsafe(9))
    return path.read_text().strip()


def _tell(said: dict[str, Any]) -> None:
    run, people = said["run"], said["sign_in"]
    show.say(f"\nRun {run['run']}: {run['state']}. {show.counts(run['counts'])}, in {run['seconds']} s.")
    show.say(
        f"\nSchool app   {said['app_url']}\n             {people['email']} (Owner), {people['district_manager_email']} (District Manager)"
    )
    show.say(f"SIS side     {said['sis_url']}\n             {people['sis_email']} (administrator)")
    show.say(f"Password     {people['password']}   for all three\nOneRoster    {said['oneroster_url']}\n")


def _stay(stage: Stage) -> int:
    try:
        show.note("Both sites stay up. Ctrl-C stops everything.")
        while all(process.poll() is None for process in stage.processes):
            time.sleep(0.5)
    except KeyboardInterrupt:
        show.note("Stopped.")
        return 0
    raise Trouble(
        "One of the two sites ended by itself", "Start the demo again; what was stored is kept.", FAILED
    )


def _ask(*words: str, given: str = "", shown: bool = False) -> dict[str, Any]:
    """One command's answer. Raises `Trouble` with what it said when it failed."""
    status, answer = _run(*words, given=given, shown=shown)
    if status:
        failing = next((c for c in answer.get("checks", ()) if c["ok"] is False), None)
        message = (
            failing["detail"] if failing else f"homeroom {' '.join(words[:3])} ended with status {status}"
        )
        raise Trouble(message, failing["cure"] if failing else answer.get("error", ""))
    return answer


def _run(*words: str, given: str = "", shown: bool = False) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "homeroom.cli.main", *words, "--json"]
    done = subprocess.run(
        command,
        check=False,
        input=given.encode(),
        stdout=subprocess.PIPE,
        stderr=None if shown else subprocess.PIPE,
    )
    try:
        return done.returncode, json_.loads(done.stdout)
    except ValueError:
        return done.returncode or FAILED, {"error": (done.stderr or b"").decode(errors="replace").strip()}
