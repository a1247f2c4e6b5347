"""The SIS side's console in a browser: what an app may see, a rehearsal, a tried call, what was fetched, the data. Against WCAG 2.2 AA."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_seven_steps import come_in, looked_at
from tests.ports import free_port
from tests.program import Program
from tests.wire.rehearsing import http

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def console(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Page, str, Program]]:
    """A window of an administrator who is signed in, the site, and the program."""
    program = Program(tmp_path_factory.mktemp("console"))
    port = free_port()
    own = {"HOMEROOM_SIS_URL": f"http://127.0.0.1:{port}"}
    program("sis", "generate", "--students", "60", "--schools", "3")
    program("sis", "user", "add", "Minga")
    link = program("sis", "account", "add", "it@riverside.example", "--json", **own).json["sign_in_link"]
    with program.serving("sis", "serve", port=port, **own) as site:
        context = browser.new_context(viewport={"width": 1200, "height": 900})
        page = context.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        come_in(page, link)
        yield page, site, program
        assert wrong == []
        context.close()


def go(page: Page, name: str) -> None:
    """To a page of the highlighted secured user."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Secured Users").click()
    page.get_by_text("Minga", exact=True).click()
    page.get_by_role("button", name=name, exact=True).click()


def test_an_entry_that_is_there_is_offered_while_its_name_is_typed(
    console: tuple[Page, str, Program],
) -> None:
    page, _, _ = console
    page.get_by_role("link", name="Add", exact=True).first.click()
    page.get_by_label("Name").press_sequentially("min")
    expect(page.get_by_role("link", name="Use this entry: Minga")).to_be_visible()
    looked_at(page)
    page.get_by_role("link", name="Use this entry: Minga").click()
    expect(page.get_by_role("heading", name="Minga: Address")).to_be_visible()


def test_a_secret_is_made_with_a_chosen_overlap(console: tuple[Page, str, Program]) -> None:
    page, _, _ = console
    go(page, "API")
    page.get_by_role("button", name="Generate a New Secret").click()
    go(page, "API")
    page.get_by_label("The secret used until now").select_option(label="works for 7 days more")
    looked_at(page)
    page.get_by_role("button", name="Generate a New Secret").click()
    expect(page.get_by_role("table")).to_contain_text("works until")
    expect(page.locator("#secret")).to_be_visible()
    looked_at(page)


def test_what_it_may_see_is_previewed_and_saved(console: tuple[Page, str, Program]) -> None:
    page, _, _ = console
    go(page, "What it may see")
    looked_at(page)
    page.get_by_label("Parents").uncheck()
    page.get_by_label("Birth date").check()
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="What Minga would receive; nothing is saved yet")).to_be_visible()
    for one in page.locator("summary").all():
        one.press("Enter")  # by the keyboard
    expect(page.locator("#preview")).to_be_visible()
    assert "birthDate" not in "".join(page.locator("details pre").all_inner_texts())
    looked_at(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all it would receive").click()
    assert download.value.suggested_filename == "preview.json"
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("From its next call on")).to_be_visible()
    looked_at(page)


def test_a_rehearsal_is_begun_seen_and_ended(console: tuple[Page, str, Program]) -> None:
    page, site, _ = console
    go(page, "Rehearsal")
    looked_at(page)
    page.get_by_label("Aeries").check()
    page.get_by_label("Half pages").check()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("heading", name=re.compile("On since .*: Aeries, with 1 fault"))).to_be_visible()
    expect(page.get_by_text(f"{site}/aeries/token")).to_be_visible()
    banner = page.get_by_role("complementary", name="Rehearsals that are on")
    expect(banner).to_contain_text("Minga is not answered as the data says")
    looked_at(page)
    page.get_by_role("link", name="Try a call").first.click()
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.get_by_text("is being rehearsed as Aeries")).to_be_visible()
    expect(page.get_by_label("The headers of the answer")).to_contain_text("Content-Type: application/json")
    looked_at(page)
    banner.get_by_role("link", name="Minga").click()
    page.get_by_role("button", name="End the rehearsal").click()
    expect(banner).not_to_be_visible()


def test_what_it_fetched_is_in_the_log(console: tuple[Page, str, Program]) -> None:
    page, site, program = console
    key = program("sis", "key", "new", "Minga", "--json").json
    form = {"grant_type": "client_credentials", "client_id": key["key"], "client_secret": key["secret"]}
    token = http.request("POST", f"{site}/oauth/token", fields=form, encode_multipart=False).json()[
        "access_token"
    ]
    for call in ("users?filter=status%3D'active'", "orgs", "users?filter=nonsense"):
        http.request("GET", f"{site}/ims/oneroster/v1p1/{call}", headers={"Authorization": f"Bearer {token}"})
    go(page, "What it fetched")
    expect(page.get_by_role("row", name=re.compile("users filter=status.*✔ 200"))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("✖ 400"))).to_be_visible()
    looked_at(page)


def test_the_data_its_loads_and_their_problems(console: tuple[Page, str, Program]) -> None:
    page, _, program = console
    folder = program.home / "set"
    folder.mkdir()
    (folder / "users.csv").write_text(
        "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,givenName,familyName\n"
        "u1,,,true,school-001,student,u1,,\nu2,,,true,nowhere,student,u2,Ana,Lopez\n"
    )
    assert program("sis", "load", str(folder)).status == 0
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Data").click()
    looked_at(page)
    page.get_by_role("link", name="All loads").click()
    looked_at(page)
    page.get_by_role("row", name=re.compile("set.*kind")).get_by_role("link").click()
    expect(page.get_by_role("heading", name=re.compile("problems?, by cause"))).to_be_visible()
    expect(page.get_by_role("table")).to_contain_text("missing_org")
    looked_at(page)
