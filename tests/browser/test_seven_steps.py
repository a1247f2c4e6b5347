"""The seven steps, as a new user walks them in a browser: from a secured user on the SIS side to a sync in the school app.

With HOMEROOM_SCREENSHOTS=1 it renews docs/screenshots, which the README shows. Every page is held against WCAG 2.2 AA.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SCREENSHOTS
from tests.ports import free_port
from tests.program import Program

pytestmark = [pytest.mark.browser, pytest.mark.slow]
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
# What stands out of the window, but for what scrolls in a box of its own.
TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll("main *, header *")].filter(e => e.getBoundingClientRect().right > innerWidth
  && !e.closest(".table-responsive")).map(e => e.outerHTML.slice(0, 90))"""
PASSWORD = "correct-horse-battery"


@dataclass(frozen=True)
class Sites:
    """Both sites, empty but for a district of invented people, and the links by which two people first come in."""

    sis: str
    app: str
    sis_link: str
    app_link: str


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    program = Program(tmp_path_factory.mktemp("browser"))
    sis_port, app_port = free_port(), free_port()
    addresses = {
        "HOMEROOM_SIS_URL": f"http://127.0.0.1:{sis_port}",
        "HOMEROOM_URL": f"http://127.0.0.1:{app_port}",
    }
    program("sis", "generate", "--students", "320", "--schools", "4")
    program("school", "add", "Lincoln High", "--district", "Riverside Unified")
    sis_link = program("sis", "account", "add", "it@riverside.example", "--json", **addresses).json[
        "sign_in_link"
    ]
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
    app_link = program(*words, **addresses).json["sign_in_link"]
    with (
        program.serving("sis", "serve", port=sis_port, **addresses) as sis,
        program.serving("serve", port=app_port, **addresses) as app,
    ):
        yield Sites(sis, app, sis_link, app_link)


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A window in which every error of a script, and every answer of 400 or more, fails the test."""
    context = browser.new_context(
        viewport={"width": 1200, "height": 900}, permissions=["clipboard-read", "clipboard-write"]
    )
    window = context.new_page()
    wrong: list[str] = []
    window.on("pageerror", lambda error: wrong.append(str(error)))
    window.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    yield window
    assert wrong == []
    context.close()


def looked_at(page: Page, name: str = "") -> None:
    """The page is usable by all, fits a phone, and is kept as a screenshot when it is one that the README shows."""
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate(TOO_WIDE) == [], f"{page.url} is wider than a phone"
    page.set_viewport_size({"width": 1200, "height": 900})
    if name and os.environ.get("HOMEROOM_SCREENSHOTS"):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(SCREENSHOTS / f"{name}.png"), full_page=name != "6-run")


def come_in(page: Page, link: str) -> None:
    """The first time: the sign-in link, a password, and in."""
    page.goto(link)
    looked_at(page)
    for field in page.locator("input[type=password]").all():
        field.fill(PASSWORD)
    page.get_by_role("button", name="Save and sign in").click()
    page.wait_for_url(re.compile(r"/(secured-users|schools)/"))


def test_the_seven_steps(page: Page, sites: Sites) -> None:
    key, secret = generate_a_secret(page, sites)
    url = find_the_address(page, sites)
    connect(page, sites, url, key, secret)
    choose_what_to_sync(page)
    sync(page)
    look_at_people(page)


def generate_a_secret(page: Page, sites: Sites) -> tuple[str, str]:
    """Step 1 and 2: Add, Organization, Minga, Active; highlight, API, Generate a New Secret."""
    come_in(page, sites.sis_link)
    page.get_by_role("link", name="Add", exact=True).first.click()
    page.get_by_label("Organization").check()
    page.get_by_label("Name").fill("Minga")
    looked_at(page)
    page.get_by_role("button", name="Add Entered Name to Secured Users").click()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Continue Add").click()
    page.get_by_label("Active").check()
    looked_at(page)
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Minga", exact=True).click()
    looked_at(page, "1-secured-users")
    page.get_by_role("button", name="API", exact=True).click()
    page.get_by_role("button", name="Generate a New Secret").click()
    looked_at(page, "2-key-and-secret")
    page.locator("[data-copy='#secret']").click()
    expect(page.locator("[data-copy='#secret']")).to_have_text("Copied ✔")
    secret = page.evaluate("navigator.clipboard.readText()")
    assert secret == page.locator("#secret").inner_text()
    return page.locator("#key").inner_text(), secret


def find_the_address(page: Page, sites: Sites) -> str:
    """Step 3: the OneRoster API URL on API Configuration."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name="API Configuration").click()
    looked_at(page, "3-api-configuration")
    page.get_by_role("button", name="Copy OneRoster API URL", exact=True).click()
    url: str = page.evaluate("navigator.clipboard.readText()")
    assert url == f"{sites.sis}/ims/oneroster/v1p1"
    page.get_by_role("link", name="Data").click()
    looked_at(page)
    return url


def connect(page: Page, sites: Sites, url: str, key: str, secret: str) -> None:
    """Step 4 and 5: People > Rostering, OneRoster API, Other, enabled; first with a wrong School ID, then the right one."""
    come_in(page, sites.app_link)
    page.get_by_role("link", name="Rostering", exact=True).first.click()
    page.get_by_label("Method").select_option(label="OneRoster API")
    page.get_by_label("SIS").select_option(label="Skyward")
    expect(page.locator("#guide")).to_contain_text("Product Setup > Contact Access")
    page.get_by_label("SIS").select_option(label="Other")
    expect(page.locator("#guide")).to_contain_text("Ask whoever administers the SIS")
    page.get_by_label("Enable automatic rostering").check()
    page.get_by_label("URL", exact=True).fill(url + "/orgs")
    page.get_by_label("API Key").fill(key)
    page.get_by_label("Client Secret").fill(secret)
    page.get_by_label("School ID").fill("999")
    page.get_by_role("button", name="Save and Test Connection").click()
    expect(page.locator("#answer")).to_contain_text(
        "No school has the id, number or name “999”", timeout=60_000
    )
    looked_at(page)
    page.get_by_role("row", name="Lincoln High").get_by_role("button", name="This one").click()
    page.get_by_role("button", name="Save and Test Connection").click()
    expect(page.locator("#answer-heading")).to_contain_text("The connection works", timeout=60_000)
    expect(page.locator("#sample")).to_contain_text("masked")
    page.get_by_role("button", name="Show names").click()
    expect(page.locator("#sample")).to_contain_text("as the SIS has them now", timeout=60_000)
    assert page.get_by_label("Client Secret").input_value() == ""
    looked_at(page, "4-test-connection")


def choose_what_to_sync(page: Page) -> None:
    """Step 6: students, teachers, staff, admins, parents on; Auto update and Archive stay off; who is mailed."""
    page.get_by_role("link", name="Sync Settings").first.click()
    for role in ("Students", "Teachers", "Staff", "Admins"):
        page.get_by_label(f"{role}: roster").check()
        expect(page.get_by_label(f"{role}: Auto update")).not_to_be_checked()
        expect(page.get_by_label(f"{role}: Archive")).not_to_be_checked()
    page.get_by_label("Primary Parent Contact Info").check()
    page.get_by_label("Get notified of Roster Sync Results").fill("r.diaz@lincoln.example")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved. The settings hold from the next sync on.")).to_be_visible()
    looked_at(page, "5-sync-settings")


def sync(page: Page) -> None:
    """Step 7, by hand this time: a dry run, approved on its page by the worker's plan; then its history."""
    page.get_by_role("link", name="Runs").click()
    looked_at(page)
    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_role("heading", name=re.compile("Plan of"))).to_be_visible(timeout=60_000)
    approve = page.get_by_role("button", name=re.compile("Approve"))
    looked_at(page)
    approve.click()
    expect(page.get_by_role("heading", name=re.compile("Run of .* Done"))).to_be_visible()
    looked_at(page, "6-run")
    page.get_by_role("link", name="Runs").click()
    expect(page.get_by_role("row", name=re.compile("dry run"))).to_contain_text("Done")
    page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_role("heading", name=re.compile("Run of .* Done"))).to_be_visible(timeout=60_000)
    expect(page.locator(".hr-counts")).to_contain_text(re.compile(r"0\s*Add"))


def look_at_people(page: Page) -> None:
    """The people are there, with their contacts and their time lines."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name="People").click()
    looked_at(page)
    page.locator("tbody a").first.click()
    expect(page.get_by_role("heading", name="Time line")).to_be_visible()
    expect(page.locator(".hr-line")).to_contain_text("Added")
    looked_at(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    looked_at(page)
