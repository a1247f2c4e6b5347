"""A question of Rostering > Review, side by side: the record and everybody it might mean, as far as an account may see them."""

from collections.abc import Iterable
from typing import Any

from homeroom.campus.connections.models import SourceRecord
from homeroom.campus.people.models import Membership, Person
from homeroom.campus.runs.models import MatchReview
from homeroom.campus.schools.access import ROSTERING, Visitor, schools_of
from homeroom.sync.matching import Rule

FIELDS = (
    ("given_name", "Given name"),
    ("middle_name", "Middle name"),
    ("family_name", "Family name"),
    ("number", "Number"),
    ("email", "E-mail"),
    ("phone", "Phone"),
    ("grade", "Grade"),
)
SIGNS = {Rule.NUMBER: "number", Rule.EMAIL: "e-mail"}


def side_by_side(found: Iterable[MatchReview], account: Visitor) -> list[dict[str, Any]]:
    """Each question with the fields of the record and of everybody it might mean. Somebody who has no part in any school
    of this account's is shown by school alone, and may not be chosen."""
    chosen = list(found)
    ids = {rival["person"] for review in chosen for rival in review.rivals}
    people = {person.pk: person for person in Person.objects.filter(pk__in=ids)}
    places: dict[int, list[Membership]] = {}
    for row in Membership.objects.filter(person__in=ids).select_related("school").order_by("school", "group"):
        places.setdefault(row.person_id, []).append(row)
    mine = set(schools_of(account, ROSTERING).values_list("pk", flat=True))
    done = _carried_out(chosen)
    return [_case(review, people, places, mine, done) for review in chosen]


def _carried_out(chosen: list[MatchReview]) -> dict[tuple[int, str], int]:
    """The people whom the records mean by now, by connection and sourcedId."""
    rows = SourceRecord.objects.filter(
        connection__in={review.connection_id for review in chosen},
        sourced_id__in={review.sourced_id for review in chosen},
        person__isnull=False,
    )
    return {(connection, id_): person for connection, id_, person in rows.values_list(
        "connection_id", "sourced_id", "person_id"
    ) if person is not None}  # fmt: skip


def _case(
    review: MatchReview,
    people: dict[int, Person],
    places: dict[int, list[Membership]],
    mine: set[int],
    done: dict[tuple[int, str], int],
) -> dict[str, Any]:
    rivals = [
        _rival(review, rival, people.get(rival["person"]), places.get(rival["person"], []), mine)
        for rival in review.rivals
    ]
    return {
        "review": review,
        "name": " ".join(
            part for part in (review.said.get("given_name"), review.said.get("family_name")) if part
        ),
        "roles": ", ".join(review.said.get("roles", ())),
        "rivals": rivals,
        "rows": [
            {
                "label": label,
                "record": review.said.get(name, ""),
                "cells": [
                    {"value": r["fields"].get(name, ""), "seen": r["seen"], "same": _same(review, r, name)}
                    for r in rivals
                ],
            }
            for name, label in FIELDS
        ],
        "carried_out": done.get((review.connection_id, review.sourced_id)),
    }


def _same(review: MatchReview, rival: dict[str, Any], name: str) -> bool:
    said = str(review.said.get(name, ""))
    return bool(said) and said.lower() == str(rival["fields"].get(name, "")).lower()


def _rival(
    review: MatchReview,
    rival: dict[str, Any],
    person: Person | None,
    places: list[Membership],
    mine: set[int],
) -> dict[str, Any]:
    seen = person is not None and any(place.school_id in mine for place in places)
    fields: dict[str, str] = {}
    if person is not None and seen:
        fields = {name: getattr(person, name, "") for name, _ in FIELDS}
        fields["grade"] = next((place.grade for place in places if place.grade), "")
    elsewhere = ", ".join(sorted({str(place.school) for place in places})) or "no school"
    name = (
        str(person) if seen else f"somebody at {elsewhere}" if person else "somebody who is only planned yet"
    )
    return {
        "id": rival["person"],
        "key": rival["key"],
        "name": name,
        "seen": seen,
        "fields": fields,
        "signs": " and ".join(SIGNS[Rule(sign)] for sign in rival["signs"]),
        "places": ", ".join(f"{place.get_group_display()} at {place.school}" for place in places)
        if seen
        else elsewhere,
        "record": rival["key"].removeprefix("record ") if rival["key"].startswith("record ") else "",
        "chosen": review.chosen == rival["key"],
        "here": next((place.school_id for place in places if place.school_id in mine), None),
    }
