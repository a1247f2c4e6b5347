"""A real Chromium, where the machine has one; without it these tests say loudly that they were skipped."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --lang=en-US"
)
CHROMIUM = (
    os.environ.get("HOMEROOM_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
)
SCREENSHOTS = Path(__file__).parents[2] / "docs" / "screenshots"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a file: Playwright's event loop runs in this thread until it is stopped, and a test after it may need one."""
    if not CHROMIUM:
        pytest.skip("NO CHROMIUM: the seven steps were NOT walked. Install it: sudo apt-get install chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield running
        running.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says it once more at the very end, where nobody overlooks it."""
    if not CHROMIUM:
        terminalreporter.section("BROWSER TESTS SKIPPED", sep="!", red=True)
        terminalreporter.line(
            "No Chromium on this machine. sudo apt-get install chromium, or name one in HOMEROOM_CHROMIUM."
        )
