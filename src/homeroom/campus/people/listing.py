"""The people of a school, as lists show them: on pages, as CSV and as JSON."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from homeroom.campus.people.models import ContactLink, Membership, Person
from homeroom.campus.people.target import query
from homeroom.campus.schools.models import School

COLUMNS = (
    "id",
    "sourced_id",
    "roles",
    "given_name",
    "family_name",
    "email",
    "number",
    "grade",
    "state",
    "managed_by",
    "primary_contact",
)


def people(school: School, *, role: str = "", archived: bool = False, search: str = "") -> QuerySet[Person]:
    """The people of a school: those with an active membership, or with `archived` those with none left there."""
    memberships = Membership.objects.filter(school=school)
    memberships = memberships.filter(group=role) if role else memberships
    active = memberships.filter(ended_at=None).values("person")
    found = Person.objects.filter(
        pk__in=memberships.values("person") if archived else active, merged_into=None
    )
    found = found.exclude(pk__in=active) if archived else found
    for word in search.split():
        like = (
            Q(given_name__icontains=word)
            | Q(family_name__icontains=word)
            | Q(email__icontains=word)
            | Q(number__icontains=word)
        )
        found = found.filter(like)
    return found.order_by("family_name", "given_name", "id")


def rows(found: Iterable[Person], school: School) -> list[dict[str, Any]]:
    """People as plain values, with their membership at the school and their primary contact."""
    chosen = list(
        found.prefetch_related(
            Prefetch("memberships", Membership.objects.filter(school=school)),
            Prefetch("contact_links", ContactLink.objects.filter(ended_at=None).select_related("contact")),
        )
        if isinstance(found, QuerySet)
        else found
    )
    ids = [person.pk for person in chosen]
    text = (
        "SELECT person_id, min(sourced_id) FROM connections_sourcerecord WHERE person_id = ANY(%s) GROUP BY 1"
    )
    sourced: dict[int, str] = dict(query(text, [ids]))
    elsewhere = left_for_another(ids, school)
    return [_row(person, sourced.get(person.pk, ""), elsewhere=person.pk in elsewhere) for person in chosen]


def left_for_another(ids: Iterable[int], school: School) -> set[int]:
    """Who of these people is active at another school and no more at this one. What is theirs now, their contacts above all, is
    for the school that they are at."""
    active = Membership.objects.filter(person__in=list(ids), ended_at=None)
    here = active.filter(school=school).values("person")
    return set(active.exclude(person__in=here).values_list("person", flat=True))


def plain(row: dict[str, Any]) -> list[Any]:
    """A row's values in the order of COLUMNS, the contact by name."""
    contact = row["primary_contact"]["name"] if row["primary_contact"] else ""
    return [*(row[name] for name in COLUMNS[:-1]), contact]


def _row(person: Person, sourced_id: str, *, elsewhere: bool) -> dict[str, Any]:
    memberships = list(person.memberships.all())
    active = [membership for membership in memberships if membership.ended_at is None]
    return {
        "id": person.pk,
        "sourced_id": sourced_id,
        "roles": sorted(membership.group for membership in active or memberships),
        "given_name": person.given_name,
        "family_name": person.family_name,
        "email": person.email,
        "number": person.number,
        "grade": next((membership.grade for membership in active or memberships if membership.grade), ""),
        "state": "active" if active else "archived",
        "managed_by": "SIS" if any(membership.managed_by for membership in memberships) else "hand",
        "primary_contact": None if elsewhere else _contact(person),
    }


def _contact(person: Person) -> dict[str, str] | None:
    link = next((link for link in person.contact_links.all() if link.primary), None)
    if link is None:
        return None
    held = link.contact
    return {"name": str(held), "email": held.email, "phone": held.phone, "reason": link.reason}
