"""Matches that only a person can tell: what a run asks, what was decided, and which questions have fallen away."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from homeroom.campus.connections.models import SourceRecord
from homeroom.campus.people.target import query
from homeroom.campus.runs.by_hand.leaving_out import fall_because
from homeroom.campus.runs.models import Change, MatchReview, Run
from homeroom.sync.changes import State as Planned
from homeroom.sync.matching import Decision, Match, Verdict
from homeroom.sync.roster import PERSON_FIELDS, Entry
from homeroom.web.accounts.models import Account

TOGETHER = "Several of these records would be the same person: say so one by one."
State = MatchReview.State
OTHERWISE = "not carried out: somebody decided otherwise since whom this record means"


class CannotReview(Exception):
    """The question is decided already, or the answer names nobody whom it asks about; the message says which."""


@dataclass(frozen=True, slots=True)
class Contested:
    """A record that a run could not match: what the roster should say of it, and the match that was none."""

    entry: Entry
    match: Match


def decisions(source: int, ids: Collection[str]) -> dict[str, Decision]:
    """What people decided about these records of a connection, by sourcedId."""
    text = (
        "SELECT r.sourced_id, r.state, r.facts, r.chosen, coalesce(a.email, ''), r.rivals::text FROM runs_matchreview r "
        "LEFT JOIN accounts_account a ON a.id = r.decided_by_id "
        "WHERE r.connection_id = %s AND r.sourced_id = ANY(%s) AND r.state = ANY(%s)"
    )
    rows = query(text, [source, list(ids), list(Verdict)]) if ids else []
    return {id_: _decision(*row) for id_, *row in rows}


def _decision(state: str, facts: bytes, chosen: str, by: str, rivals: str) -> Decision:
    never = () if facts else (rival["person"] for rival in json.loads(rivals))
    return Decision(Verdict(state), bytes(facts), chosen, by, frozenset(never))


_COLUMNS = "sourced_id text, facts text, why text, said jsonb, schools bigint[], rivals jsonb"
_KEEP = (
    "INSERT INTO runs_matchreview AS held (district_id, connection_id, sourced_id, facts, why, said, schools, rivals, state, "
    "chosen, run_id, asked_at) SELECT %(district)s, %(source)s, sourced_id, decode(facts, 'hex'), why, said, schools, rivals, "
    f"'open', '', %(run)s, now() FROM jsonb_to_recordset(%(rows)s::jsonb) AS rows({_COLUMNS}) "
    "ON CONFLICT (connection_id, sourced_id) DO UPDATE SET facts = EXCLUDED.facts, why = EXCLUDED.why, said = EXCLUDED.said, "
    "schools = EXCLUDED.schools, rivals = EXCLUDED.rivals, state = 'open', chosen = '', run_id = EXCLUDED.run_id, "
    "asked_at = CASE WHEN held.state = 'open' AND held.facts = EXCLUDED.facts THEN held.asked_at ELSE EXCLUDED.asked_at END, "
    "decided_at = NULL, decided_by_id = NULL"
)


def keep_contested(run: Run, contested: Sequence[Contested]) -> None:
    """Asks about these records: anew where the facts are others than those that were asked about or decided."""
    if contested:
        rows = json.dumps([_row(one) for one in contested])
        values: dict[str, Any] = {
            "district": run.district_id,
            "source": run.connection_id,
            "run": run.pk,
            "rows": rows,
        }
        with connection.cursor() as cursor:
            cursor.execute(_KEEP, values)


def _row(one: Contested) -> dict[str, Any]:
    said: dict[str, Any] = {name: one.entry.fields.get(name, "") for name in PERSON_FIELDS}
    said["grade"] = next((grade for grade in one.entry.places.values() if grade), "")
    said["roles"] = sorted({place.group.value for place in one.entry.places})
    rivals = [
        {"key": rival.key, "person": rival.person.id, "signs": list(rival.signs)}
        for rival in one.match.rivals
    ]
    return {
        "sourced_id": one.entry.sourced_id,
        "facts": one.match.facts.hex(),
        "why": one.match.why[:300],
        "said": said,
        "schools": sorted({place.school for place in one.entry.places}),
        "rivals": rivals,
    }


def let_moot_fall(run: Run) -> None:
    """Lets questions fall that a complete reading did not ask again; what was known of their records is forgotten."""
    still_asked = MatchReview.objects.filter(connection=run.connection_id, state=State.OPEN).exclude(run=run)
    still_asked.update(state=State.MOOT, said={}, rivals=[])


def decide(
    review: MatchReview, verdict: Verdict, by: Account | None, now: datetime, person: int | None = None
) -> None:
    """Keeps a decision; the next run carries it out, and every later one keeps to it while the facts stay the same.

    `SAME` names the person meant, by id, where there are several. Raises `CannotReview`.
    """
    for _, why in decide_all([review], verdict, by, now, person):
        raise CannotReview(why)


def decide_all(
    reviews: Sequence[MatchReview],
    verdict: Verdict,
    by: Account | None,
    now: datetime,
    person: int | None = None,
) -> list[tuple[MatchReview, str]]:
    """The same about several in one act, each as it was seen; those that could not be decided, with the reason. In one act no
    two records are made the same person's: that is said one by one."""
    twice = shared(reviews) if verdict is Verdict.SAME else frozenset()

    def answer(held: MatchReview) -> None:
        if held.pk in twice:
            raise CannotReview(TOGETHER)
        _answer(held, verdict, by, now, person)

    return _change(reviews, answer, by, now)


def shared(reviews: Sequence[MatchReview]) -> frozenset[int]:
    """Those of several questions, by id, that all lead to one person."""
    meant = [(review.pk, review.rivals[0]["person"]) for review in reviews if len(review.rivals) == 1]
    times = Counter(person for _, person in meant)
    return frozenset(pk for pk, person in meant if times[person] > 1)


def take_back(
    reviews: Sequence[MatchReview], by: Account | None, now: datetime
) -> list[tuple[MatchReview, str]]:
    """Asks again what was decided and is not carried out yet; the others, with the reason."""
    rows = SourceRecord.objects.filter(
        connection__in={review.connection_id for review in reviews}, person__isnull=False
    ).filter(sourced_id__in={review.sourced_id for review in reviews})
    done = set(rows.values_list("connection_id", "sourced_id"))
    return _change(reviews, lambda held: _reopen(held, done), by, now)


def _change(
    reviews: Sequence[MatchReview], change: Callable[[MatchReview], None], by: Account | None, now: datetime
) -> list[tuple[MatchReview, str]]:
    refused: list[tuple[MatchReview, str]] = []
    changed: list[MatchReview] = []
    with transaction.atomic():
        rows = MatchReview.objects.select_for_update().filter(pk__in=[review.pk for review in reviews])
        held = {row.pk: row for row in rows.order_by("pk")}
        for review in reviews:
            row = held[review.pk]
            before = row.state, row.chosen
            try:
                _refuse_other_facts(row, review)
                change(row)
            except CannotReview as wrong:
                refused.append((review, str(wrong)))
            else:
                changed += [row] if before != (row.state, row.chosen) else []
        MatchReview.objects.bulk_update(
            held.values(), ["chosen", "state", "decided_at", "decided_by"], batch_size=500
        )
        _let_plans_fall(changed, by, now)
    return refused


def _refuse_other_facts(held: MatchReview, seen: MatchReview) -> None:
    if held.state == State.MOOT:
        raise CannotReview(
            "This is no longer a question: the last sync met the record with nobody beside it."
        )
    if bytes(held.facts) != bytes(seen.facts):
        raise CannotReview("The facts have changed since you looked. Look again, then decide.")


def _answer(
    held: MatchReview, verdict: Verdict, by: Account | None, now: datetime, person: int | None
) -> None:
    held.chosen = _chosen(held, person) if verdict is Verdict.SAME else ""
    held.state, held.decided_at, held.decided_by = verdict.value, now, by


def _reopen(held: MatchReview, done: Collection[tuple[int, str]]) -> None:
    if held.state == State.OPEN:
        raise CannotReview("Nothing was decided about it, so there is nothing to take back.")
    if (held.connection_id, held.sourced_id) in done:
        raise CannotReview(
            "It was carried out already. Open the person, and use Merge or Split to take it apart."
        )
    held.state, held.chosen, held.decided_at, held.decided_by = State.OPEN, "", None, None


def _let_plans_fall(reviews: Sequence[MatchReview], by: Account | None, now: datetime) -> None:
    """What was planned of a record by another decision is not carried out; the next run plans by this one."""
    for source in {review.connection_id for review in reviews}:
        ids = [review.sourced_id for review in reviews if review.connection_id == source]
        planned = Change.objects.filter(run__connection=source, sourced_id__in=ids, subject="person")
        fall_because(planned.filter(state__in=(Planned.PLANNED, Planned.HELD)), OTHERWISE, now, by)


def _chosen(review: MatchReview, person: int | None) -> str:
    keys = {rival["person"]: rival["key"] for rival in review.rivals}
    if person is None and len(keys) == 1:
        return str(next(iter(keys.values())))
    if person not in keys:
        named = ", ".join(map(str, keys))
        raise CannotReview(f"Say which person it is, by id: {named}.")
    return str(keys[person])
