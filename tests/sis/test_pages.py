"""The SIS side's console, by forms as a browser sends them; and that nobody sees it without signing in."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import URLResolver
from django.utils import timezone

from homeroom.sis import urls
from homeroom.sis.records.models import Load
from homeroom.sis.secured_users.keys import generate, valid_key
from homeroom.sis.secured_users.models import Key, SecuredUser
from homeroom.web.accounts.models import Account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sis_urls")]
# Every page by the name of its address; one that is missing here fails.
PAGES = {
    "first": "/",
    "secured_users": "/secured-users/",
    "secured_user_add": "/secured-users/add/",
    "secured_user_address": "/secured-users/{user}/address/",
    "secured_user_contact": "/secured-users/{user}/contact/",
    "secured_user_security": "/secured-users/{user}/security/",
    "secured_user_api": "/secured-users/{user}/api/",
    "secured_user_sharing": "/secured-users/{user}/sharing/",
    "secured_user_log": "/secured-users/{user}/log/",
    "secured_user_rehearsal": "/secured-users/{user}/rehearsal/",
    "api_configuration": "/api-configuration/",
    "api_explorer": "/api-explorer/",
    "data": "/data/",
    "loads": "/data/loads/",
    "load": "/data/loads/{load}/",
}
OPEN = {"health"}  # answered to everybody: it tells no more than that the site is up


@pytest.fixture
def administrator() -> Client:
    client = Client()
    client.force_login(Account.objects.create_user("it@riverside.example"))
    return client


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_stranger_is_asked_to_sign_in(page: str, administrator: Client) -> None:
    user = SecuredUser.objects.create(name="Minga")
    load = Load.objects.create(at=timezone.now(), source="set.zip")
    path = page.format(user=user.pk, load=load.pk)
    answer = administrator.get(path, follow=True)
    assert answer.status_code == 200
    assert "Sign out" in answer.content.decode()
    for method in (Client().get, Client().post):
        answer = method(path, follow=True)
        assert answer.redirect_chain[-1][0].startswith("/sign-in/login/")


def test_every_page_is_in_the_table_of_pages() -> None:
    assert set(_names(urls.urlpatterns)) == PAGES.keys() | OPEN


def _names(patterns: list[Any]) -> Iterator[str]:
    for one in patterns:
        if isinstance(one, URLResolver):
            if str(one.pattern) != "sign-in/":
                yield from _names(one.url_patterns)
        else:
            yield one.name


@pytest.mark.parametrize(
    "page", ["/secured-users/77/api/", "/secured-users/77/rehearsal/", "/data/loads/77/"]
)
def test_what_there_is_not_is_a_page_that_says_so(page: str, administrator: Client) -> None:
    answer = administrator.get(page)
    assert answer.status_code == 404
    assert "Homeroom SIS" in answer.content.decode() or "not" in answer.content.decode()


def test_the_steps_of_adding_a_secured_user(administrator: Client) -> None:
    answer = administrator.post("/secured-users/add/", {"kind": "organization", "name": "Minga"})
    user = SecuredUser.objects.get()
    assert answer["Location"] == f"/secured-users/{user.pk}/address/"
    assert not user.active
    steps = (
        ("address", {"address": "1 Main Street"}),
        ("contact", {"contact_name": "R. Diaz"}),
        ("security", {"active": "on"}),
    )
    for step, said in steps:
        answer = administrator.post(f"/secured-users/{user.pk}/{step}/", said)
    user.refresh_from_db()
    assert (user.active, user.contact_name, answer["Location"]) == (True, "R. Diaz", "/secured-users/")


def test_an_existing_entry_of_the_name_is_offered_first(administrator: Client) -> None:
    SecuredUser.objects.create(name="Minga")
    page = administrator.post(
        "/secured-users/add/", {"kind": "organization", "name": "minga"}
    ).content.decode()
    assert "Use this entry" in page
    assert SecuredUser.objects.count() == 1


@pytest.mark.parametrize(
    ("typed", "offered"), [("min", True), ("MINGA", True), ("Minga Inc", True), ("m", False), ("Bus", False)]
)
def test_entries_like_the_name_are_offered_while_it_is_typed(
    administrator: Client, typed: str, offered: bool
) -> None:
    SecuredUser.objects.create(name="Minga")
    page = administrator.post(
        "/secured-users/add/", {"go": "look", "kind": "organization", "name": typed}
    ).content.decode()
    assert ("Use this entry" in page) == offered
    assert SecuredUser.objects.count() == 1


def test_the_api_button_needs_a_highlighted_entry(administrator: Client) -> None:
    user = SecuredUser.objects.create(name="Minga")
    assert "Highlight a secured user" in administrator.get("/secured-users/?go=api").content.decode()
    assert (
        administrator.get(f"/secured-users/?go=api&user={user.pk}")["Location"]
        == f"/secured-users/{user.pk}/api/"
    )


def test_key_and_secret_are_shown_once(administrator: Client) -> None:
    user = SecuredUser.objects.create(name="Minga")
    answer = administrator.post(f"/secured-users/{user.pk}/api/", {"overlap": "none"})
    key = Key.objects.get()
    assert key.secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    again = administrator.get(f"/secured-users/{user.pk}/api/").content.decode()
    assert key.secret not in again
    assert key.key in again


def test_generating_again_ends_the_old_secret_or_lets_it_overlap(administrator: Client) -> None:
    user = SecuredUser.objects.create(name="Minga")
    first = generate(user, timezone.now())
    administrator.post(f"/secured-users/{user.pk}/api/", {"overlap": "7 days"})
    assert valid_key(first.key, first.secret, timezone.now())
    administrator.post(f"/secured-users/{user.pk}/api/", {"overlap": "none"})
    assert not valid_key(first.key, first.secret, timezone.now())


def test_api_configuration_shows_the_address(administrator: Client) -> None:
    page = administrator.get("/api-configuration/").content.decode()
    assert "OneRoster API URL" in page
    assert "http://testserver/ims/oneroster/v1p1" in page


def test_the_list_is_searched_and_downloaded(administrator: Client) -> None:
    for name in ("Minga", "Bus App"):
        SecuredUser.objects.create(name=name)
    page = administrator.get("/secured-users/?q=min").content.decode()
    assert "Bus App" not in page
    assert "?q=min&amp;format=csv" in page
    assert "Bus App" in administrator.get("/secured-users/?format=csv").content.decode()
    assert "Bus App" not in administrator.get("/secured-users/?q=min&format=csv").content.decode()


def test_the_list_tells_the_age_of_the_secret_the_last_use_and_the_calls(administrator: Client) -> None:
    user = SecuredUser.objects.create(name="Minga")
    assert "no secret yet" in administrator.get("/secured-users/").content.decode()
    new = generate(user, timezone.now())
    Key.objects.filter(key=new.key).update(calls=1234, last_used_at=timezone.now() - timedelta(days=3))
    page = administrator.get("/secured-users/").content.decode()
    for said in ("now", "3\xa0days ago", "1,234"):
        assert said in page
    rows = administrator.get("/secured-users/?format=csv").content.decode().splitlines()
    assert rows[0] == "\ufeffName,Kind,Active,Contact,Secret made,Last used,Calls"
    assert rows[1].startswith("Minga,Organization,yes,,20")
    assert rows[1].endswith(",1234")


def test_the_way_to_the_pages_is_the_one_that_people_know(administrator: Client) -> None:
    ways = {
        "/secured-users/": "Product Setup &gt; Contact Access &gt; Security &gt; Secured User",
        "/api-configuration/": "Product Setup &gt; Contact Access &gt; District Setup &gt; Configuration &gt; API Configuration",
    }
    for page, way in ways.items():
        assert way in administrator.get(page).content.decode()
