"""Rostering by CSV in a browser: the method chosen, a set uploaded, its faults shown, and the answer of the test."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from homeroom.oneroster.endpoints import V1P2
from tests.browser.test_seven_steps import PASSWORD, looked_at
from tests.ports import free_port
from tests.program import Program
from tests.sync.sources.ways import district, files_of, zipped

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """An Owner's first look at a school that nobody has connected yet."""
    program, port = Program(tmp_path_factory.mktemp("csv")), free_port()
    program("school", "add", "Lincoln High", "--district", "Riverside Unified")
    words = (
        "account",
        "add",
        "r.diaz@lincoln.example",
        "--school",
        "Lincoln High",
        "--role",
        "owner",
        "--json",
    )
    address = {"HOMEROOM_URL": f"http://127.0.0.1:{port}"}
    link = program(*words, **address).json["sign_in_link"]
    with program.serving("serve", port=port, **address):
        window = browser.new_page(viewport={"width": 1200, "height": 900})
        wrong: list[str] = []
        window.on("pageerror", lambda error: wrong.append(str(error)))
        window.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        window.goto(link)
        for field in window.locator("input[type=password]").all():
            field.fill(PASSWORD)
        window.get_by_role("button", name="Save and sign in").click()
        window.wait_for_url(re.compile(r"/schools/"))
        yield window
        assert wrong == []
        window.close()


def test_a_set_is_uploaded_and_tested(page: Page, tmp_path: Path) -> None:
    files = files_of(district(), V1P2, tmp_path)
    page.get_by_role("link", name="Rostering", exact=True).first.click()
    page.get_by_label("Method").select_option(label="OneRoster CSV")
    expect(page.get_by_label("OneRoster CSV set")).to_be_visible()
    looked_at(page)
    page.get_by_role("link", name="SFTP").click()
    expect(page.get_by_label("Host")).to_be_visible()
    looked_at(page)
    page.get_by_role("link", name="A folder of the server").click()
    expect(page.get_by_label("Folder")).to_be_visible()
    looked_at(page)
    page.get_by_role("link", name="Uploaded here").click()
    users = files["users.csv"].replace(b"s07,", b",", 1)
    page.get_by_label("OneRoster CSV set").set_input_files(
        zipped({**files, "users.csv": users}, tmp_path / "roster.zip")
    )
    page.get_by_label("School ID").fill("004")
    page.get_by_role("button", name="Save and Test Connection").click()
    expect(page.locator("#answer-heading")).to_contain_text("The connection works")
    expect(page.locator("#answer")).to_contain_text("nobody would be archived")
    expect(page.locator("#checked")).to_contain_text("A record has no sourcedId")
    looked_at(page)
    page.get_by_label("OneRoster CSV set").set_input_files(zipped(files, tmp_path / "roster.zip"))
    page.get_by_role("button", name="Save and Test Connection").click()
    expect(page.locator("#answer")).to_contain_text("The set proves that it is whole")
    looked_at(page, "8-csv-upload")
