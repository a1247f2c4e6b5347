"""`homeroom demo` as a newcomer runs it: it works, it can be run again, and Ctrl-C leaves nothing behind."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.program import Program, end, wait_for

pytestmark = pytest.mark.slow


def processes(home: Path) -> list[str]:
    """Every process that was started with this data directory, PostgreSQL's own among them."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                said = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(home).encode() in said:
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def test_the_demo_does_the_main_job_and_can_be_run_again(tmp_path: Path) -> None:
    program = Program(tmp_path / "home")
    ports = ("--port", str(free_port()), "--sis-port", str(free_port()))
    first = program("demo", "--students", "80", "--once", "--json", *ports)
    assert first.status == 0, first.err
    said = first.json
    assert {"app_url", "sis_url", "oneroster_url", "sign_in", "run"} <= said.keys()
    assert said["run"]["state"] == "done"
    assert said["run"]["counts"]["add"] > 0
    again = program("demo", "--students", "80", "--once", "--json", *ports)
    assert again.status == 0, again.err
    assert again.json["run"]["counts"]["add"] == 0
    assert again.json["sign_in"] == said["sign_in"]


def test_ctrl_c_stops_everything_and_leaves_no_process(tmp_path: Path) -> None:
    program = Program(tmp_path / "home")
    ports = (free_port(), free_port())
    process = program.start("demo", "--students", "40", "--port", str(ports[0]), "--sis-port", str(ports[1]))
    assert process.stdout is not None
    for line in process.stdout:
        if "stay up" in line:
            break
    wait_for(f"http://127.0.0.1:{ports[0]}", process)
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 0
    assert_nothing_left(tmp_path / "home")


def test_kill_9_of_the_demo_leaves_no_process(tmp_path: Path) -> None:
    program = Program(tmp_path / "home")
    ports = (free_port(), free_port())
    process = program.start("demo", "--students", "40", "--port", str(ports[0]), "--sis-port", str(ports[1]))
    wait_for(f"http://127.0.0.1:{ports[1]}", process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert_nothing_left(tmp_path / "home")


def assert_nothing_left(home: Path, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and processes(home):
        time.sleep(0.3)
    assert processes(home) == []


def test_a_server_stops_on_sigterm_and_other_commands_know_where_it_listens(tmp_path: Path) -> None:
    program = Program(tmp_path / "home")
    port = free_port()
    process = program.start("sis", "serve", "--port", str(port))
    wait_for(f"http://127.0.0.1:{port}", process)
    program("sis", "user", "add", "Minga")
    said = program("sis", "key", "new", "Minga", "--json").json
    assert said["oneroster_url"] == f"http://127.0.0.1:{port}/ims/oneroster/v1p1"
    assert said["token_url"] == f"http://127.0.0.1:{port}/oauth/token"
    end(process)
    assert_nothing_left(tmp_path / "home")
