"""Parents on a real database: one contact for siblings, hand edits that stay, restricted contacts that go, and the list to look at."""

from dataclasses import replace

import pytest
from django.test import Client

from homeroom.campus.people.contacts import ToLookAt
from homeroom.campus.people.models import Contact, ContactLink, Person
from homeroom.campus.runs.by_hand import hand
from homeroom.campus.runs.models import Change
from homeroom.campus.schools.grants import grant
from homeroom.campus.schools.models import Role, School
from homeroom.sync.guardians import BY_HAND, MARK, ONLY
from homeroom.web.accounts.models import Account
from tests.campus.world import World
from tests.invented import OAKWOOD, adult, family, student

ANA, BEN = student("a"), student("b", given_name="Ben")
ROSA = adult("g1", "parent", given_name="Rosa", family_name="Lopez", email="rosa@x.example", phone="555-0101")
JUAN = adult("g2", "parent", given_name="Juan", family_name="Lopez", email="juan@x.example")


def contacts(of: str = "n-a") -> list[tuple[str, bool]]:
    """The active contacts of a student: given name, and whether primary."""
    links = ContactLink.objects.filter(person__number=of, ended_at=None).select_related("contact")
    return sorted((link.contact.given_name, link.primary) for link in links)


def owner_of(school: School, email: str = "owner@lincoln.example") -> Client:
    grant(email, Role.OWNER, school=school)
    client = Client()
    client.force_login(Account.objects.get(email=email))
    return client


def test_a_guardian_kept_once_for_each_child_is_one_contact(trusting: World) -> None:
    again = replace(ROSA, sourced_id="g0", email="ROSA@x.example", phone="555-0102")
    told = [replace(ANA, agents=("g1",)), replace(BEN, agents=("g0",)), ROSA, again]
    trusting.night(told)
    assert Contact.objects.count() == 1
    assert contacts("n-a") == contacts("n-b") == [("Rosa", True)]
    for _ in range(2):
        run = trusting.night(told)
        assert not Change.objects.filter(run=run).exclude(action="skip").exists()
    late = student("c", agents=("g3",))
    trusting.night([*told, late, replace(ROSA, sourced_id="g3")])
    assert Contact.objects.count() == 1
    assert contacts("n-c") == [("Rosa", True)]


def test_a_guardian_whom_a_student_names_by_two_records_is_no_tie(trusting: World) -> None:
    trusting.night(family(ANA, guardians=[ROSA, replace(ROSA, sourced_id="g0")]))
    assert ContactLink.objects.get().reason == ONLY
    assert ToLookAt(trusting.lincoln).counts() == {}


def test_three_guardians_of_two_records_each_are_not_six(trusting: World) -> None:
    three = [ROSA, JUAN, replace(ROSA, sourced_id="g3", given_name="Rita")]
    again = [replace(one, sourced_id=f"{one.sourced_id}-again") for one in three]
    run = trusting.night(family(ANA, guardians=[*three, *again]))
    assert len(contacts()) == 3
    assert not run.problems.filter(code="many_guardians").exists()


def test_one_of_whose_two_records_the_sis_marks_one_as_restricted_is_not_taken_in(trusting: World) -> None:
    told = family(ANA, guardians=[ROSA, replace(ROSA, sourced_id="g0", restricted=True), JUAN])
    trusting.night(told)
    assert contacts() == [("Juan", True)]
    trusting.night(family(ANA, guardians=[ROSA, replace(ROSA, sourced_id="g0"), JUAN]))
    assert contacts() == [("Juan", False), ("Rosa", True)]
    trusting.night(told)
    assert contacts() == [("Juan", True)]


def test_a_tie_is_none_any_more_once_the_sis_marks_who_is_primary(trusting: World) -> None:
    trusting.night(family(ANA, guardians=[ROSA, JUAN]))
    assert ToLookAt(trusting.lincoln).counts() == {"tie": 1}
    told = family(ANA, guardians=[replace(ROSA, primary_mark=True), JUAN])
    trusting.night(told)
    assert ContactLink.objects.get(primary=True).reason == MARK
    assert ToLookAt(trusting.lincoln).counts() == {}
    assert not Change.objects.filter(run=trusting.night(told)).exists()


@pytest.mark.parametrize("agents", [("g0", "g1"), ("g1", "g0")])
def test_a_guardian_known_of_whom_a_second_record_comes_is_one_contact(
    trusting: World, agents: tuple[str, ...]
) -> None:
    trusting.night([ANA, ROSA])
    trusting.night([replace(ANA, agents=agents), ROSA, replace(ROSA, sourced_id="g0")])
    assert contacts() == [("Rosa", True)]


def test_a_couple_with_one_address_stays_two(trusting: World) -> None:
    trusting.night(family(ANA, guardians=[ROSA, replace(JUAN, email="rosa@x.example")]))
    assert contacts() == [("Juan", False), ("Rosa", True)]


def test_a_restricted_contact_never_comes_in_and_goes_though_auto_update_is_off(world: World) -> None:
    world.configure("students=on", "parents=on")
    barred = replace(JUAN, restricted=True)
    run = world.night(family(ANA, guardians=[ROSA, barred]))
    assert contacts() == [("Rosa", True)]
    assert not Contact.objects.filter(given_name="Juan").exists()
    assert run.problems.filter(code="restricted_contact").count() == 1
    run = world.night(family(ANA, guardians=[replace(ROSA, restricted=True), barred]))
    assert contacts() == []
    row = Change.objects.get(run=run, subject="person", state="applied", action="update")
    assert row.reason == "the SIS marks a contact as restricted; taken out whatever the policy"


def test_a_restricted_contact_goes_though_chosen_by_hand_and_from_a_cut_reading(trusting: World) -> None:
    trusting.night(family(ANA, guardians=[ROSA, JUAN]))
    owner = Account.objects.create_user("owner@lincoln.example")
    hand.make_primary(ContactLink.objects.get(contact__given_name="Juan"), owner, trusting.now)
    told = family(ANA, guardians=[ROSA, JUAN])
    trusting.night([replace(told[0], grade="10"), *told[1:]])
    assert contacts() == [("Juan", True), ("Rosa", False)]
    assert ContactLink.objects.get(primary=True).reason == BY_HAND
    trusting.night(family(ANA, guardians=[ROSA, replace(JUAN, restricted=True)]), trouble="it was cut")
    assert contacts() == [("Rosa", True)]


def test_a_contact_edited_in_the_app_is_kept_until_it_is_released(trusting: World) -> None:
    client = owner_of(trusting.lincoln)
    trusting.night(family(ANA, guardians=[ROSA]))
    person, contact = Person.objects.get(), Contact.objects.get()
    path = f"/schools/{trusting.lincoln.pk}/people/{person.pk}/contacts/{contact.pk}/"
    typed = {"given_name": "Rosa", "family_name": "Lopez", "email": "r@home.example", "phone": "555-0101"}
    client.post(path, {"do": "edit", **typed})
    trusting.night(family(ANA, guardians=[replace(ROSA, email="new@x.example", phone="555-0199")]))
    contact.refresh_from_db()
    assert (contact.email, contact.phone) == ("r@home.example", "555-0199")
    assert "Kept now: email" in client.get(path).content.decode()
    client.post(path, {"do": "release"})
    trusting.night(family(ANA, guardians=[replace(ROSA, email="new@x.example", phone="555-0199")]))
    contact.refresh_from_db()
    assert contact.email == "new@x.example"


def test_a_primary_chosen_by_hand_is_kept_until_the_student_is_released(trusting: World) -> None:
    client = owner_of(trusting.lincoln)
    told = family(ANA, guardians=[ROSA, JUAN])
    trusting.night(told)
    person, juan = Person.objects.get(), Contact.objects.get(given_name="Juan")
    client.post(f"/schools/{trusting.lincoln.pk}/people/{person.pk}/contacts/{juan.pk}/", {"do": "primary"})
    trusting.night([replace(told[0], agents=("g1", "g2", "g9")), *told[1:]])
    assert contacts() == [("Juan", True), ("Rosa", False)]
    client.post(f"/schools/{trusting.lincoln.pk}/people/{person.pk}/change/", {"do": "release"})
    trusting.night(told)
    assert contacts() == [("Juan", False), ("Rosa", True)]


def test_a_contact_of_a_student_of_another_school_does_not_exist_here(trusting: World) -> None:
    there = student("o", org=OAKWOOD)
    trusting.night([*family(there, guardians=[JUAN]), ANA])
    client = owner_of(trusting.lincoln)
    juan, other = Contact.objects.get(), Person.objects.get(number="n-o")
    for person in (other, Person.objects.get(number="n-a")):
        path = f"/schools/{trusting.lincoln.pk}/people/{person.pk}/contacts/{juan.pk}/"
        assert client.get(path).status_code == client.post(path, {"do": "release"}).status_code == 404


@pytest.fixture
def families(trusting: World) -> World:
    """One student of each kind, and one of another school."""
    silent = adult("g3", "guardian", given_name="Silent", email="")
    six = [adult(f"x{n}", "relative", given_name=f"X{n}") for n in range(5)]
    trusting.night(
        [
            student("none", given_name="Nora"),
            *family(student("tie", given_name="Tina"), guardians=[ROSA, JUAN]),
            *family(student("clear", given_name="Clara"), guardians=[adult("g4", "parent")]),
            *family(student("silent", given_name="Sven"), guardians=[silent]),
            *family(student("many", given_name="Mina"), guardians=[adult("g5", "parent"), *six]),
            student("far", given_name="Fara", org=OAKWOOD),
        ]
    )
    return trusting


def test_the_list_names_gaps_ties_and_the_unreachable(families: World) -> None:
    found = {row["name"].split()[0]: row["looks"] for row in ToLookAt(families.lincoln)[:]}
    assert set(found) == {"Nora", "Tina", "Sven", "Mina"}
    assert found["Nora"] == ["no contact"]
    assert found["Sven"] == ["no e-mail and no phone"]
    assert found["Mina"] == ["6 contacts or more"]
    assert found["Tina"][0].startswith("a tie")
    assert ToLookAt(families.lincoln).counts() == {"none": 1, "unreachable": 1, "tie": 1, "many": 1}


def test_the_list_is_narrowed_searched_paged_and_downloaded(families: World) -> None:
    client = owner_of(families.lincoln)
    path = f"/schools/{families.lincoln.pk}/rostering/parents/"
    page = client.get(path).content.decode()
    assert "Nora" in page
    assert "Clara" not in page
    assert "Fara" not in page
    assert "nothing else tells them apart" in client.get(path + "?look=tie").content.decode()
    assert "Nora" not in client.get(path + "?look=tie").content.decode()
    assert "Nobody fits this filter" in client.get(path + "?q=%25").content.decode()
    assert client.get(path + "?format=csv").content.decode().count("\r\n") == 5
