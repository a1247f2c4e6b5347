"""Merging two people who are one, and splitting one who is two, by hand. Nobody is deleted: whoever was merged stays, empty, and
points at the one who is kept; and each merge or split remembers what it moved, so that it can be taken back exactly.

What is moved: the links to records of the SIS, memberships, and contacts (`moving`); being excluded from sync, and being kept as
it was edited by hand, go with them. History stays with whom it happened to, and tells both what they lost and got (`lost_and_got`).
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from homeroom.campus.connections.models import SourceRecord
from homeroom.campus.people import target
from homeroom.campus.people.models import ContactLink, Membership, Person
from homeroom.campus.runs.by_hand import moving
from homeroom.campus.runs.by_hand.hand import CHOSEN
from homeroom.campus.runs.by_hand.lost_and_got import remember, standing
from homeroom.campus.runs.lock import SPACE
from homeroom.campus.runs.models import Change, Run
from homeroom.sync.changes import State
from homeroom.sync.roster import PERSON_FIELDS, SourcePerson
from homeroom.web.accounts.models import Account

MERGE, SPLIT = "merge", "split"


class CannotMerge(Exception):
    """The merge, split or undo is not possible; the message says why and what to do."""


def merge(keep: Person, gone: Person, by: Account | None, now: datetime) -> Change:
    """Makes one person of two: everything that is `gone`'s becomes `keep`'s. What `keep` does not say is filled in from `gone`.
    Raises `CannotMerge`."""
    return _merge(keep, gone, by, now, fills=True)


def _merge(keep: Person, gone: Person, by: Account | None, now: datetime, *, fills: bool) -> Change:
    """With `fills` as two people are merged; without it as a split is taken back, after which nothing is as it was not."""
    with transaction.atomic():
        keep, gone = _locked(keep.pk, gone.pk)
        _refuse(keep, gone)
        if fills:
            _refuse_protected(keep, gone)
        was = standing(keep), standing(gone)
        fields = _filled(keep, gone) if fills else {}
        moved = _take_over(keep, gone, fields, now)
        remember(gone, was[1], MERGE, {}, f"merged into {keep.pk}: the same person", by, now)
        why = f"merged with {gone.pk}: the same person"
        why += "; excluded from sync, as they were" if moved["excluded"] else ""
        return remember(keep, was[0], MERGE, {**fields, "moved": [None, moved]}, why, by, now)


def _take_over(keep: Person, gone: Person, fields: dict[str, list[str]], now: datetime) -> dict[str, Any]:
    """Moves everything, and returns what taking it back needs: `own` are the records of the one kept, and `stood` the places for
    which these stood."""
    moved = {"gone": gone.pk, "stood": sorted(_stands_for(keep)), **_left_alone(keep, gone, fields)}
    moved["own"] = list(keep.source_records.order_by("pk").values_list("pk", flat=True))
    moved["records"] = moving.move_records(gone.source_records.all(), keep)
    moved["memberships"] = moving.move_memberships(gone, keep, now)
    moved["links"] = moving.move_links(gone, keep, now)
    for name, (_, value) in fields.items():
        setattr(keep, name, value)
    keep.kept_fields = sorted({*keep.kept_fields, *moved["kept"]})
    keep.excluded = keep.excluded or moved["excluded"]
    keep.save(update_fields=[*fields, "kept_fields", "excluded"])
    gone.merged_into = keep
    gone.save(update_fields=["merged_into"])
    moving.look_again(keep)
    return moved


def _filled(keep: Person, gone: Person) -> dict[str, list[str]]:
    """What the one kept does not say, and the other does."""
    names = [name for name in PERSON_FIELDS if getattr(gone, name) and not getattr(keep, name)]
    return {name: ["", getattr(gone, name)] for name in names}


def _left_alone(keep: Person, gone: Person, fields: Collection[str]) -> dict[str, Any]:
    """What no sync may touch of the one who goes, and so of the one kept: fields edited by hand that are taken over, the primary
    contact that was chosen, the whole person."""
    taken = {*fields} if _has_primary(keep) else {*fields, "guardians"}
    kept = {*gone.kept_fields} & taken - {*keep.kept_fields}
    return {"kept": sorted(kept), "excluded": gone.excluded and not keep.excluded}


def _has_primary(person: Person) -> bool:
    return person.contact_links.filter(primary=True, ended_at=None).exists()


def _stands_for(person: Person) -> set[str]:
    return moving.stands_for(person.source_records.filter(gone=False))


def split(
    person: Person, records: Collection[int], said: SourcePerson | None, by: Account | None, now: datetime
) -> Change:
    """Makes two people of one: the chosen records of theirs (by primary key) become those of somebody new, with the memberships
    that only these stand for. `said` is what the SIS says in the first of them. Raises `CannotMerge`."""
    with transaction.atomic():
        (held,) = _locked(person.pk)
        own = list(held.source_records.select_for_update())
        chosen = [record for record in own if record.pk in set(records)]
        rest = [record for record in own if record not in chosen]
        if not chosen or not rest:
            raise CannotMerge(
                "Choose some of the records, not all and not none: each of the two keeps at least one."
            )
        was = standing(held)
        new = Person.objects.create(
            district_id=held.district_id, excluded=held.excluded, **_fields(held, said)
        )
        nobody = standing(new)
        theirs, stay = moving.stands_for(chosen), moving.stands_for(rest)
        moved = {
            "new": new.pk,
            "records": moving.move_records(chosen, new),
            "memberships": moving.part_memberships(held, new, theirs, stay, now),
            "links": moving.part_links(held, new, chosen, rest),
        }
        moving.look_again(held, new)
        made = {name: [None, getattr(new, name)] for name in PERSON_FIELDS if getattr(new, name)}
        remember(new, nobody, SPLIT, made, f"split from {held.pk}: somebody else", by, now, new=True)
        why = f"split: {new.pk} is somebody else"
        return remember(held, was, SPLIT, {"moved": [None, moved]}, why, by, now)


def _fields(person: Person, said: SourcePerson | None) -> dict[str, str]:
    """The fields of somebody split off: as the SIS says them; without its word, the names that they had."""
    if said is not None:
        return {name: getattr(said, name) for name in PERSON_FIELDS}
    return {name: getattr(person, name) for name in ("given_name", "family_name")}


def undo(change: Change, by: Account | None, now: datetime) -> Change:
    """Takes a merge or a split back: what it moved and nobody has moved since goes back. Raises `CannotMerge`."""
    with transaction.atomic():
        held = Change.objects.select_for_update().get(pk=change.pk)
        if held.state != State.APPLIED or "moved" not in held.fields:
            raise CannotMerge("This was taken back already, or is nothing that can be.")
        moved = held.fields["moved"][1]
        held.state = State.UNDONE
        held.save(update_fields=["state"])
        if held.action == SPLIT:
            one, other = (Person.objects.get(pk=id_) for id_ in (held.subject_id, moved["new"]))
            return _merge(one, other, by, now, fills=False)
        return _unmerge(held, moved, by, now)


def _unmerge(change: Change, moved: dict[str, Any], by: Account | None, now: datetime) -> Change:
    keep, gone = _locked(change.subject_id, moved["gone"])
    if gone.merged_into_id != keep.pk or keep.merged_into_id is not None:
        raise CannotMerge(f"{keep} was merged with somebody else since: take that back first.")
    _refuse_new_records(keep, moved)
    was = standing(keep), standing(gone)
    here = list(keep.memberships.all())
    moving.move_records(keep.source_records.filter(pk__in=moved["records"]), gone)
    moving.put_back(Membership, moved["memberships"], keep)
    moving.put_back(ContactLink, moved["links"], keep)
    moving.stand_again(keep, here, _stands_for(keep) - set(moved.get("stood", ())), now)
    turned = _turned(change, moved, keep)
    gone.merged_into = None
    gone.save(update_fields=["merged_into"])
    moving.look_again(keep, gone)
    remember(gone, was[1], SPLIT, {}, f"the merge into {keep.pk} was taken back", by, now)
    why = f"the merge with {gone.pk} was taken back"
    return remember(keep, was[0], SPLIT, turned, why, by, now, turns=change.pk)


def _refuse_new_records(keep: Person, moved: dict[str, Any]) -> None:
    """Of records that came since, by the signs of either or by a re-key, nobody can tell whose they are."""
    known = {*moved["records"], *moved["own"]} if "own" in moved else None
    came = keep.source_records.exclude(pk__in=known) if known is not None else SourceRecord.objects.none()
    named = ", ".join(came.order_by("sourced_id").values_list("sourced_id", flat=True)[:3])
    if named:
        raise CannotMerge(
            f"Since the merge, records of the SIS have come that mean {keep}: {named}. Split instead: choose the records that are "
            "the other person's."
        )


def _turned(change: Change, moved: dict[str, Any], keep: Person) -> dict[str, list[str]]:
    """Empties the fields that a merge had filled, but for those that say something else by now, and lets go of what no sync may
    touch on the other's account."""
    filled = {n: v for n, v in change.fields.items() if n in PERSON_FIELDS and getattr(keep, n) == v[1]}
    for name, (before, _) in filled.items():
        setattr(keep, name, before)
    free = {
        name
        for name in moved.get("kept", ())
        if name in filled or (name == "guardians" and not _chosen_since(change))
    }
    keep.kept_fields = sorted({*keep.kept_fields} - free)
    keep.excluded = keep.excluded and not moved.get("excluded", False)
    keep.save(update_fields=[*filled, "kept_fields", "excluded"])
    return {name: [after, before] for name, (before, after) in filled.items()}


def _chosen_since(change: Change) -> bool:
    rows = Change.objects.filter(subject="person", subject_id=change.subject_id, run=None, pk__gt=change.pk)
    return rows.filter(fields__has_key=CHOSEN).exists()


def _locked(*ids: int) -> list[Person]:
    """The people, locked in order of id so that two merges at once do not wait for each other; and no sync under way."""
    locked = Person.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    people = {one.pk: one for one in locked}
    if len(people) != len(set(ids)):
        raise CannotMerge("There is no such person.")
    sources = SourceRecord.objects.filter(person__in=ids).order_by("connection")
    for source in sources.values_list("connection", flat=True).distinct():
        _refuse_under_way(source)
    return [people[id_] for id_ in ids]


def _refuse_under_way(source: int) -> None:
    """A sync that runs has the connection's lock; one that was cut off, or waits for its worker, has only its row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [SPACE, source])
        row = cursor.fetchone()
    if not row or not row[0] or Run.objects.filter(connection=source, state=Run.State.RUNNING).exists():
        raise CannotMerge("A sync of these people is under way. Wait until it ends; nothing was changed.")


def _refuse(keep: Person, gone: Person) -> None:
    if keep.pk == gone.pk or keep.district_id != gone.district_id:
        raise CannotMerge("Choose two different people of one district.")
    if keep.merged_into_id or gone.merged_into_id:
        raise CannotMerge("One of the two was merged already. Choose the one who was kept.")


def _refuse_protected(keep: Person, gone: Person) -> None:
    protected = {id_ for id_, one in target.people([keep.pk, gone.pk], 0).items() if one.protected}
    if gone.pk in protected and keep.pk not in protected:
        raise CannotMerge(
            f"{gone} is an Owner or District Manager. Keep them, and merge the other into them."
        )
