"""Who may see what: every page of the school app, tried by everybody."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from homeroom.campus.people.models import Contact, ContactLink, Person
from homeroom.campus.runs.models import MatchReview, Run
from homeroom.campus.schools.grants import grant
from homeroom.campus.schools.models import District, Role, School
from homeroom.web.accounts.models import Account
from tests.campus.world import World
from tests.invented import student

EVERYONE = ("anonymous", "stranger", "no part", "manager", "owner", "district manager")
ROSTERING = {"owner", "district manager"}
PEOPLE = ROSTERING | {"manager"}
# Each page of a school: how it is called, and who gets in. Everybody else is told that it does not exist.
PAGES = [
    ("GET", "people/", PEOPLE),
    ("GET", "people/?format=csv", PEOPLE),
    ("GET", "people/leaving/", PEOPLE),
    ("GET", "people/leaving/?format=csv", PEOPLE),
    ("GET", "people/why-not/", PEOPLE),
    ("POST", "people/why-not/", PEOPLE),
    ("GET", "people/{person}/", PEOPLE),
    ("POST", "people/{person}/change/", ROSTERING),
    ("GET", "rostering/", ROSTERING),
    ("POST", "rostering/", ROSTERING),
    ("GET", "rostering/help/", ROSTERING),
    ("GET", "rostering/test/", ROSTERING),
    ("GET", "rostering/test/people/", ROSTERING),
    ("GET", "rostering/method/", ROSTERING),
    ("GET", "rostering/csv/", ROSTERING),
    ("POST", "rostering/csv/", ROSTERING),
    ("POST", "rostering/csv/forget/", ROSTERING),
    ("GET", "rostering/settings/", ROSTERING),
    ("POST", "rostering/settings/", ROSTERING),
    ("GET", "rostering/settings/history/", ROSTERING),
    ("POST", "rostering/settings/history/", ROSTERING),
    ("GET", "rostering/parents/", ROSTERING),
    ("GET", "rostering/parents/?format=csv", ROSTERING),
    ("GET", "people/{person}/merge/", ROSTERING),
    ("POST", "people/{person}/merge/", ROSTERING),
    ("POST", "people/{person}/split/", ROSTERING),
    ("POST", "people/{person}/merge/undo/", ROSTERING),
    ("GET", "people/{person}/contacts/{contact}/", ROSTERING),
    ("POST", "people/{person}/contacts/{contact}/", ROSTERING),
    ("GET", "rostering/review/", ROSTERING),
    ("GET", "rostering/review/?format=csv", ROSTERING),
    ("POST", "rostering/review/{review}/", ROSTERING),
    ("POST", "rostering/review/several/", ROSTERING),
    ("GET", "rostering/runs/", ROSTERING),
    ("GET", "rostering/runs/?format=csv", ROSTERING),
    ("POST", "rostering/runs/", ROSTERING),
    ("GET", "rostering/runs/{run}/", ROSTERING),
    ("GET", "rostering/runs/{run}/?format=csv", ROSTERING),
    (
        "GET",
        "rostering/settings/preview/",
        set(),
    ),  # only while there is a preview: tests/campus/runs/test_previewing.py
    ("GET", "rostering/runs/{run}/progress/", ROSTERING),
    ("POST", "rostering/runs/{run}/decide/", ROSTERING),
    ("POST", "rostering/runs/{run}/leave-out/", ROSTERING),
    ("GET", "rostering/runs/{run}/rekey/", ROSTERING),
    ("GET", "rostering/runs/{run}/rekey/?format=csv", ROSTERING),
    ("POST", "rostering/runs/{run}/rekey/", ROSTERING),
    ("GET", "rostering/runs/{run}/why/", set()),  # only a preview has it: tests/campus/runs/test_rules.py
    ("GET", "rostering/runs/{run}/undo/", ROSTERING),
    ("POST", "rostering/runs/{run}/undo/", ROSTERING),
]


@pytest.fixture
def visitors(trusting: World) -> dict[str, Client]:
    """One of each, the stranger being Owner of a school and District Manager of another district."""
    trusting.night([student("a")])
    elsewhere = District.objects.create(name="Elsewhere")
    other = School.objects.create(district=elsewhere, name="Far High")
    grant("stranger@far.example", Role.OWNER, school=other)
    grant("stranger@far.example", Role.DISTRICT_MANAGER, district="Elsewhere")
    grant(
        "stranger@far.example", Role.OWNER, school=trusting.oakwood
    )  # a school of the same district and connection
    grant("manager@lincoln.example", Role.MANAGER, school=trusting.lincoln)
    grant("owner@lincoln.example", Role.OWNER, school=trusting.lincoln)
    grant("manager@riverside.example", Role.DISTRICT_MANAGER, district="Riverside")
    Account.objects.create_user("nobody@lincoln.example")
    emails = (
        "stranger@far.example",
        "nobody@lincoln.example",
        "manager@lincoln.example",
        "owner@lincoln.example",
        "manager@riverside.example",
    )
    return {
        "anonymous": Client(),
        **{who: signed_in(email) for who, email in zip(EVERYONE[1:], emails, strict=True)},
    }


def signed_in(email: str) -> Client:
    client = Client()
    client.force_login(Account.objects.get(email=email))
    return client


def address(world: World, page: str) -> str:
    return f"/schools/{world.lincoln.pk}/" + page.format(
        person=Person.objects.get().pk,
        run=Run.objects.get().pk,
        review=_review(world).pk,
        contact=_contact(world).pk,
    )


def _contact(world: World) -> Contact:
    """Somebody's mother: the contact of the only person."""
    person = Person.objects.get()
    link = ContactLink.objects.filter(person=person).first()
    if link is None:
        contact = Contact.objects.create(district=world.district, given_name="Rosa")
        link = ContactLink.objects.create(district=world.district, person=person, contact=contact)
    return link.contact


def _review(world: World) -> MatchReview:
    return MatchReview.objects.get_or_create(
        district=world.district, connection=world.connection, sourced_id="r", schools=[world.lincoln.pk]
    )[0]


@pytest.mark.parametrize(
    ("method", "page", "allowed"), PAGES, ids=[f"{method} {page}" for method, page, _ in PAGES]
)
def test_every_page_for_everybody(
    trusting: World, visitors: dict[str, Client], method: str, page: str, allowed: set[str]
) -> None:
    path = address(trusting, page)
    for who, client in visitors.items():
        answer = (
            client.get(path)
            if method == "GET"
            else client.post(
                path,
                {"do": "edit", "decision": "approve", "kind": "dry run", "verdict": "ignore", "version": "0"},
            )
        )
        if who == "anonymous":
            assert answer.status_code == 302
            assert answer["Location"].startswith("/sign-in/login/")
        elif who in allowed:
            assert answer.status_code in (200, 302), who
        else:
            assert answer.status_code == 404, who


def test_the_table_names_every_page_of_the_site() -> None:
    """A page that is added without a line above fails here."""
    named = {re.sub(r"\{(\w+)\}", r"<int:\1_id>", page.split("?")[0]) for _, page, _ in PAGES}
    assert {pattern for pattern in patterns() if pattern.startswith("schools/")} == {
        f"schools/<int:school_id>/{page}" for page in named
    }


def patterns(prefix: str = "", resolver: Any = None) -> list[str]:
    found = []
    for pattern in (resolver or get_resolver("homeroom.campus.urls")).url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += patterns(route, pattern)
        elif isinstance(pattern, URLPattern):
            found.append(route)
    return found


def test_a_manager_is_not_shown_rostering(trusting: World, visitors: dict[str, Client]) -> None:
    page = visitors["manager"].get(address(trusting, "people/")).content.decode()
    assert "Rostering" not in page
    page = visitors["manager"].get(address(trusting, "people/{person}/")).content.decode()
    assert "Exclude from sync" not in page


def test_a_person_of_another_school_does_not_exist_here(trusting: World, visitors: dict[str, Client]) -> None:
    far = Person.objects.create(
        district=District.objects.get(name="Elsewhere"), given_name="Far", family_name="Away"
    )
    path = f"/schools/{trusting.lincoln.pk}/people/{far.pk}/"
    assert {client.get(path).status_code for who, client in visitors.items() if who != "anonymous"} == {404}


def test_a_run_of_another_connection_does_not_exist_here(
    trusting: World, visitors: dict[str, Client]
) -> None:
    other = School.objects.get(name="Far High")
    path = f"/schools/{other.pk}/rostering/runs/{Run.objects.get().pk}/"
    assert visitors["stranger"].get(path).status_code == 404


def test_an_account_that_was_switched_off_sees_nothing(trusting: World, visitors: dict[str, Client]) -> None:
    Account.objects.filter(email="owner@lincoln.example").update(is_active=False)
    assert visitors["owner"].get(address(trusting, "people/")).status_code in (302, 404)


def test_the_first_page_lists_only_ones_own_schools(trusting: World, visitors: dict[str, Client]) -> None:
    page = visitors["district manager"].get("/").content.decode()
    assert "Lincoln High" in page
    assert "Far High" not in page
    assert visitors["owner"].get("/")["Location"] == f"/schools/{trusting.lincoln.pk}/people/"


def test_nobody_signs_up_alone(db: None) -> None:
    page = Client().get("/sign-in/signup/")
    assert "password" not in page.content.decode().lower() or page.status_code in (302, 404)
