"""Rostering > Review in a browser, on a desk and on a phone: narrowed, ticked, asked once more, kept, taken back. Against WCAG 2.2 AA."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_seven_steps import looked_at
from tests.campus.runs.views.test_review_several import RENAMED, signed_in, told
from tests.campus.world import EVERYTHING, World

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SIZES = {"desk": (1200, 900), "phone": (390, 800)}


@pytest.fixture(params=SIZES)
def page(request: Any, browser: Browser, live_server: Any, transactional_db: None) -> Iterator[Page]:
    """The list of a school with 28 questions, before an Owner who is signed in."""
    world = World()
    world.configure(*EVERYTHING)
    world.night(told(world))
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height})
    session = signed_in("owner@lincoln.example", world.lincoln).cookies["homeroom_session"].value
    context.add_cookies([{"name": "homeroom_session", "value": session, "url": live_server.url}])
    window = context.new_page()
    wrong: list[str] = []
    window.on("pageerror", lambda error: wrong.append(str(error)))
    window.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    window.goto(f"{live_server.url}/schools/{world.lincoln.pk}/rostering/review/")
    yield window
    assert wrong == []
    context.close()


def test_several_are_chosen_shown_once_more_and_kept(page: Page) -> None:
    expect(page.get_by_text("28 waiting")).to_be_visible()
    page.get_by_label("Why it is asked").select_option(label=f"{RENAMED[:1].upper()}{RENAMED[1:]} (25)")
    page.get_by_role("button", name="Filter").click()
    page.get_by_label("Choose Ana Lopez p00").check()
    page.get_by_label("Choose Ana Lopez p01").check()
    expect(page.get_by_text("2 chosen")).to_be_visible()
    looked_at(page)
    page.get_by_label("This page").check()
    expect(page.get_by_text("20 chosen")).to_be_visible()
    page.get_by_label("on every page").check()
    expect(page.get_by_text("All 25 chosen")).to_be_visible()
    page.get_by_role("button", name="Different people…").click()
    expect(page.get_by_role("heading", name="Decide 25 records at once")).to_be_visible()
    looked_at(page)
    page.get_by_role("button", name="Different people: keep for 25").click()
    expect(page.get_by_text("Kept for 25 records: different people.")).to_be_visible()
    expect(page.get_by_role("link", name="Waiting (3)")).to_be_visible()


def test_one_is_compared_decided_and_taken_back(page: Page) -> None:
    page.get_by_text("Side by side, and decide this one").first.click()
    looked_at(page)
    page.get_by_role("button", name="Ignore", exact=True).first.click()
    expect(page.get_by_text("Kept: the record is left out")).to_be_visible()
    page.get_by_role("link", name="Decided").click()
    looked_at(page)
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("Taken back: it waits for a decision again.")).to_be_visible()
    expect(page.get_by_role("link", name="Waiting (28)")).to_be_visible()
