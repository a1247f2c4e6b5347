"""A person's page at a school that they have left for another one of the district."""

from typing import Any

from django.test import Client

from homeroom.campus.people.listing import people, rows
from homeroom.campus.people.models import Contact, Person
from homeroom.campus.schools.grants import grant
from homeroom.campus.schools.models import Role, School
from homeroom.web.accounts.models import Account
from tests.campus.world import World
from tests.invented import LINCOLN, OAKWOOD, adult, family, student

ROSA = adult("g1", "parent", given_name="Rosa", family_name="Lopez", email="rosa@x.example", phone="555-0101")


def owner_of(school: School) -> Client:
    email = f"owner-{school.pk}@district.example"
    grant(email, Role.OWNER, school=school)
    client = Client()
    client.force_login(Account.objects.get(email=email))
    return client


def moved(world: World) -> Person:
    """Somebody who was at Lincoln High and is at Oakwood now, with a guardian."""
    others = [student(f"s{number}") for number in range(3)]
    world.night([*others, *family(student("a", LINCOLN), guardians=[ROSA])])
    world.night([*others, *family(student("a", OAKWOOD), guardians=[ROSA])])
    return Person.objects.get(number="n-a")


def at(school: School, one: Person, more: str = "") -> str:
    return f"/schools/{school.pk}/people/{one.pk}/{more}"


def listed(school: School, **which: Any) -> Any:
    (row,) = [row for row in rows(people(school, **which), school) if row["number"] == "n-a"]
    return row["primary_contact"]


def test_the_school_they_left_sees_that_they_left_and_not_what_is_theirs_now(trusting: World) -> None:
    one = moved(trusting)
    owner = owner_of(trusting.lincoln)
    page = owner.get(at(trusting.lincoln, one)).content.decode()
    assert "archived" in page
    assert "at another school of the district now" in page
    assert "rosa@x.example" not in page
    assert 'name="given_name"' not in page
    assert owner.get(at(trusting.lincoln, one, f"contacts/{Contact.objects.get().pk}/")).status_code == 404
    assert listed(trusting.lincoln, archived=True) is None


def test_the_school_they_are_at_sees_all(trusting: World) -> None:
    one = moved(trusting)
    owner = owner_of(trusting.oakwood)
    page = owner.get(at(trusting.oakwood, one)).content.decode()
    assert "rosa@x.example" in page
    assert 'name="given_name"' in page
    assert owner.get(at(trusting.oakwood, one, f"contacts/{Contact.objects.get().pk}/")).status_code == 200
    assert listed(trusting.oakwood)["email"] == "rosa@x.example"


def test_the_school_they_left_changes_nothing_of_theirs_and_is_told_who_can(trusting: World) -> None:
    one = moved(trusting)
    owner = owner_of(trusting.lincoln)
    for do in ("edit", "release", "exclude", "include"):
        sent = {"do": do, "given_name": "Changed", "family_name": "Changed"}
        page = owner.post(at(trusting.lincoln, one, "change/"), sent, follow=True).content.decode()
        assert "an Owner of that school or a District Manager" in page
    one.refresh_from_db()
    assert (one.given_name, one.excluded, one.kept_fields) == ("Ana", False, [])


def test_whoever_left_the_district_is_still_their_last_schools(trusting: World) -> None:
    trusting.night([*(student(f"s{number}") for number in range(3)), *family(student("a"), guardians=[ROSA])])
    trusting.night([*(student(f"s{number}") for number in range(3)), ROSA])
    one = Person.objects.get(number="n-a")
    page = owner_of(trusting.lincoln).get(at(trusting.lincoln, one)).content.decode()
    assert "archived" in page
    assert "rosa@x.example" in page
    assert 'name="given_name"' in page
