"""The SIS side's console, by forms as a browser sends them; and that nobody sees it without signing in."""

import pytest
from django.test import Client

from homeroom.sis.secured_users.keys import generate, valid_key
from homeroom.sis.secured_users.models import Key, SecuredUser
from homeroom.web.accounts.models import Account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sis_urls")]
PAGES = ("/", "/secured-users/", "/secured-users/add/", "/secured-users/{0}/address/", "/secured-users/{0}/contact/",
         "/secured-users/{0}/security/", "/secured-users/{0}/api/", "/api-configuration/", "/data/")  # fmt: skip


@pytest.fixture
def administrator() -> Client:
    client = Client()
    client.force_login(Account.objects.create_user("it@riverside.example"))
    return client


@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_is_asked_to_sign_in(page: str, administrator: Client) -> None:
    user = SecuredUser.objects.create(name="Minga")
    path = page.format(user.pk)
    assert administrator.get(path, follow=True).status_code == 200
    for method in (Client().get, Client().post):
        answer = method(path, follow=True)
        assert answer.redirect_chain[-1][0].startswith("/sign-in/login/")


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
    from django.utils import timezone

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
    assert "Bus App" not in administrator.get("/secured-users/?q=min").content.decode()
    assert "Bus App" in administrator.get("/secured-users/?format=csv").content.decode()
