"""A re-key on the database: recognised before anything is planned, kept as changes of action "relink" that are held until a
person decides about all of them at once. Approved, they are carried out and undone as any other changes.

Who is who is told by `pairing`, in one pass of SQL over those whose ids have vanished and those whose ids nobody knows.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from homeroom.campus.connections.models import RosterLink
from homeroom.campus.people.target import query
from homeroom.campus.runs.by_hand.leaving_out import MOOT, fall_because
from homeroom.campus.runs.lock import fenced
from homeroom.campus.runs.models import Change, Rekey, Run, SchoolReport
from homeroom.campus.runs.pairing import BY, BY_BIRTH, LAY_OUT, SIGNS, UNSEEN, WORDS
from homeroom.campus.runs.reading import Reading
from homeroom.campus.schools.models import School
from homeroom.sync.changes import Action, State
from homeroom.sync.matching import Rule
from homeroom.sync.rekey import MOST_BORN, SHARE_BORN, Rekeyed, is_rekey, reason, school_again
from homeroom.sync.roster import SourceOrg
from homeroom.sync.rules import SchoolRule
from homeroom.web.accounts.models import Account

WAITS = "the ids of many people are new, as after a re-key, and somebody must say whether they are the same people"
HELD_GROUP = "relink"
_RELINK = (
    'INSERT INTO runs_change (district_id, run_id, school_id, "group", action, subject, subject_id, sourced_id, fields, reason, new, '
    "state) "
)
_KEEP_PEOPLE = (
    f"{_RELINK} SELECT %(district)s, %(run)s, pair.school, min(m.\"group\"), 'relink', 'person', pair.person, after, "
    f"jsonb_build_object('sourced_id', jsonb_build_array(before, after)), 'new id in the SIS: same ' || {WORDS}, false, 'held' "
    "FROM pair JOIN people_membership m ON m.person_id = pair.person AND m.school_id = pair.school AND m.ended_at IS NULL "
    f"GROUP BY pair.person, pair.school, before, after, number, email, name, birth, other ORDER BY {SIGNS}, pair.person, after"
)
# Contacts: whose own record is there again as a person; else by an e-mail that only one has; else by name within the family of a
# student who is there again. An SIS that has a guardian once for each child has dealt out as many new ids.
_KEEP_CONTACTS = (
    "CREATE TEMP TABLE gone_contact ON COMMIT DROP AS SELECT *, count(*) OVER (PARTITION BY email) AS times FROM "
    "(SELECT contact.id AS contact, lower(contact.email) AS email, "
    "lower(contact.given_name) || E'\\t' || lower(contact.family_name) AS name, array_agg(record.sourced_id) AS ids "
    "FROM connections_sourcerecord record JOIN people_contact contact ON contact.id = record.contact_id "
    "LEFT JOIN unseen ON unseen.sourced_id = record.sourced_id WHERE record.connection_id = %(source)s AND NOT record.gone "
    "GROUP BY contact.id HAVING bool_and(unseen.sourced_id IS NOT NULL)) AS contacts",
    # Where a contact's students are: what a relink of theirs belongs to.
    "CREATE TEMP TABLE family ON COMMIT DROP AS SELECT link.contact_id AS contact, link.person_id AS person, min(m.school_id) AS school "
    "FROM people_contactlink link JOIN people_membership m ON m.person_id = link.person_id AND m.ended_at IS NULL "
    "AND m.school_id = ANY(%(schools)s) WHERE link.ended_at IS NULL AND link.district_id = %(district)s GROUP BY 1, 2",
    "ANALYZE gone_contact, family",
    "CREATE TEMP TABLE again ON COMMIT DROP AS SELECT g.contact, pair.school, pair.before, a.sourced_id AS after, 'person' AS sign "
    "FROM pair JOIN connections_sourcerecord record ON record.connection_id = %(source)s AND record.sourced_id = pair.before "
    "JOIN gone_contact g ON g.contact = record.contact_id JOIN arrived a ON a.sourced_id = pair.after",
    "ANALYZE again",
    "INSERT INTO again SELECT g.contact, NULL, '', a.sourced_id, 'e-mail' FROM gone_contact g JOIN arrived a ON a.email = g.email "
    "AND a.guardian AND g.email <> '' AND g.times = 1 AND a.guardian_times <= cardinality(g.ids) "
    "AND (a.guardian_times = 1 OR a.name = g.name) WHERE a.sourced_id NOT IN (SELECT after FROM again)",
    "ANALYZE again",
    "CREATE TEMP TABLE named ON COMMIT DROP AS SELECT teller AS student, told AS guardian FROM runs_stagedlink WHERE run_id = %(run)s "
    "UNION SELECT told, teller FROM runs_stagedlink WHERE run_id = %(run)s",
    "ANALYZE named",
    "INSERT INTO again SELECT min(g.contact), NULL, '', a.sourced_id, 'name, in one family' FROM pair "
    "JOIN family ON family.person = pair.person JOIN gone_contact g ON g.contact = family.contact "
    "JOIN named ON named.student = pair.after JOIN arrived a ON a.sourced_id = named.guardian AND a.guardian AND a.name = g.name "
    "WHERE a.sourced_id NOT IN (SELECT after FROM again) GROUP BY a.sourced_id HAVING count(DISTINCT g.contact) = 1",
    "ANALYZE again",
    f"{_RELINK} WITH free AS (SELECT contact, id, row_number() OVER (PARTITION BY contact ORDER BY id) AS place FROM gone_contact, "
    "unnest(ids) AS id WHERE id NOT IN (SELECT before FROM again)), due AS (SELECT *, row_number() OVER "
    "(PARTITION BY contact, before = '' ORDER BY after) AS place FROM again) "
    "SELECT %(district)s, %(run)s, coalesce(min(family.school), due.school), 'students', 'relink', 'contact', due.contact, after, "
    "jsonb_build_object('sourced_id', jsonb_build_array(coalesce(nullif(before, ''), free.id, ''), after)), "
    "'new id in the SIS: same ' || sign, false, 'held' FROM due LEFT JOIN family ON family.contact = due.contact "
    "LEFT JOIN free ON before = '' AND free.contact = due.contact AND free.place = due.place "
    "GROUP BY due.contact, due.school, before, free.id, after, sign HAVING coalesce(min(family.school), due.school) IS NOT NULL "
    "ORDER BY due.contact, after",
)


def recognise(run: Run, found: Reading, rules: Sequence[SchoolRule]) -> list[Rekey]:
    """Whether this reading is a re-key; if so, what is proposed, kept with the run. Only a reading that was complete, but for
    schools whose own id has vanished, tells."""
    if not may_be(run, found):
        return []
    values: dict[str, Any] = {
        "run": run.pk,
        "source": run.connection_id,
        "district": run.district_id,
        "schools": [rule.school for rule in rules],
        "most_born": MOST_BORN,
        "share_born": SHARE_BORN,
    }
    with fenced(run), connection.cursor() as cursor:
        by_signs = [*(BY[Rule(rule)] for rule in run.connection.matching), BY_BIRTH]
        pairs = [statement for by_sign in by_signs for statement in by_sign]
        for statement in (*UNSEEN, *LAY_OUT, *pairs):
            cursor.execute(statement, values)
        cursor.execute("SELECT count(DISTINCT person) FROM pair")
        again = cursor.fetchone()[0]
        if not is_rekey(again, _known(run, values["schools"])):
            return []
        for statement in (_KEEP_PEOPLE, *_KEEP_CONTACTS):
            cursor.execute(statement, values)
        cursor.execute(
            f"SELECT school, count(DISTINCT person) FILTER (WHERE {SIGNS} > 1), "
            "count(DISTINCT person) FILTER (WHERE NOT number AND NOT email) FROM pair GROUP BY 1"
        )
        signs = {school: counts for school, *counts in cursor.fetchall()}
        cursor.execute("SELECT school, count(DISTINCT person) FROM gone GROUP BY 1")
        gone = dict(cursor.fetchall())
        return _keep(run, schools_now(run, found), signs, gone)


def may_be(run: Run, found: Reading) -> bool:
    """Whether a reading tells of re-keys at all: known ids did not come, and nothing but vanished schools speaks against it."""
    reasons = [because for because in found.because if not any(org in because for org in found.missing)]
    if reasons or len(found.because) != len(set(found.missing)):
        return False
    text = (
        "SELECT 1 FROM (SELECT 1 FROM runs_staged WHERE run_id = %(run)s AND absent UNION ALL "
        "SELECT 1 FROM runs_unseen WHERE run_id = %(run)s) AS unseen LIMIT 1"
    )
    return bool(query(text, {"run": run.pk}))


def _known(run: Run, schools: list[int]) -> int:
    text = (
        "SELECT count(DISTINCT person_id) FROM people_membership WHERE managed_by = %s AND ended_at IS NULL "
        "AND school_id = ANY(%s)"
    )
    return int(query(text, [run.connection_id, schools])[0][0])


def schools_now(run: Run, found: Reading) -> dict[int, tuple[str, SourceOrg | None]]:
    """Each school's org, and where that has vanished the one that it is now, if it can be told."""
    links = list(RosterLink.objects.filter(connection=run.connection_id).exclude(org=""))
    taken = {link.org for link in links}
    return {
        link.school_id: (
            link.org,
            school_again(link.school_id_typed, link.org_name, found.orgs, taken)
            if link.org in found.missing
            else None,
        )
        for link in links
    }


def _keep(
    run: Run,
    orgs: dict[int, tuple[str, SourceOrg | None]],
    signs: dict[int, list[int]],
    gone: dict[int, int],
) -> list[Rekey]:
    text = (
        "SELECT school_id, count(DISTINCT subject_id) FILTER (WHERE subject = 'person'), "
        "count(DISTINCT subject_id) FILTER (WHERE subject = 'contact') FROM runs_change WHERE run_id = %s AND action = 'relink' "
        "GROUP BY 1 ORDER BY 1"
    )
    rows = []
    for school, people, contacts in query(text, [run.pk]):
        before, after = orgs.get(school, ("", None))
        sure, born = signs.get(school, (0, 0))
        rows.append(
            Rekey(
                run=run,
                school_id=school,
                people=people,
                contacts=contacts,
                sure=sure,
                born=born,
                gone=gone.get(school, 0),
                org_before=before,
                org_after=after.sourced_id if after else "",
                org_name=(after.name if after else "")[:255],
            )
        )
        if after is not None:
            moved = {"run": run.pk, "school": school, "before": before, "after": after.sourced_id}
            with connection.cursor() as cursor:
                cursor.execute(_MOVE_SCHOOL, moved)
    return Rekey.objects.bulk_create(rows)


_MOVE_SCHOOL = (
    "UPDATE runs_change SET fields = fields || jsonb_build_object('org', jsonb_build_array(%(before)s::text, %(after)s::text)) "
    "WHERE run_id = %(run)s AND school_id = %(school)s AND action = 'relink'"
)


def evidence(rekey: Rekey) -> Rekeyed:
    """A kept re-key as the engine thinks of it."""
    org = SourceOrg(rekey.org_after, rekey.org_name) if rekey.org_after else None
    return Rekeyed(rekey.people, rekey.sure, rekey.contacts, rekey.gone, org, rekey.born)


def hold(run: Run, found: Sequence[Rekey], now: datetime) -> None:
    """Tells each school what waits, and lets older proposals fall: the ids are looked at anew every night."""
    names = dict(School.objects.filter(pk__in=[rekey.school_id for rekey in found]).values_list("pk", "name"))
    older = Change.objects.filter(run__connection=run.connection_id, run__lt=run.pk, action=Action.RELINK)
    with fenced(run):
        if not run.dry_run:
            waiting = older.filter(state=State.HELD)
            runs = set(waiting.values_list("run", flat=True))
            fall_because(waiting, f"{MOOT}{run.pk} is newer, and looked at the ids anew", now)
            for past in Run.objects.filter(pk__in=runs, state=Run.State.HELD):
                if not past.changes.filter(state=State.HELD).exists():
                    Run.objects.filter(pk=past.pk).update(state=Run.State.DONE)
        for rekey in found:
            report, _ = SchoolReport.objects.get_or_create(run=run, school_id=rekey.school_id)
            report.held = [*report.held, _held(rekey, names[rekey.school_id])]
            report.save(update_fields=["held"])


def _held(rekey: Rekey, school: str) -> dict[str, object]:
    percent = round(100 * rekey.people / rekey.gone, 1) if rekey.gone else 0.0
    return {
        "group": HELD_GROUP,
        "action": Action.RELINK.value,
        "causes": [],
        "count": rekey.people,
        "of": rekey.gone,
        "percent": percent,
        "reason": reason(evidence(rekey), school),
    }


_OTHERS = (
    "INSERT INTO runs_matchreview (district_id, connection_id, sourced_id, facts, why, said, schools, rivals, state, chosen, run_id, "
    "asked_at, decided_at, decided_by_id) SELECT DISTINCT ON (c.sourced_id) c.district_id, %(source)s, c.sourced_id, '', "
    "'its id was new when many ids were', '{}', ARRAY[c.school_id], jsonb_build_array(jsonb_build_object('key', 'person ' || c.subject_id, "
    "'person', c.subject_id, 'signs', '[]'::jsonb)), 'different', '', c.run_id, %(now)s, %(now)s, %(by)s FROM runs_change c "
    "WHERE c.run_id = %(run)s AND c.school_id = %(school)s AND c.action = 'relink' AND c.subject = 'person' AND c.state = 'held' "
    "ORDER BY c.sourced_id, c.subject_id ON CONFLICT (connection_id, sourced_id) DO UPDATE SET facts = EXCLUDED.facts, why = EXCLUDED.why, "
    "rivals = EXCLUDED.rivals, state = EXCLUDED.state, decided_at = EXCLUDED.decided_at, decided_by_id = EXCLUDED.decided_by_id"
)


def other_people(run: Run, school: School, by: Account | None, now: datetime) -> None:
    """Remembers that those under new ids at a school are other people: the next run adds them, whatever their signs."""
    values: dict[str, Any] = {
        "run": run.pk,
        "school": school.pk,
        "source": run.connection_id,
        "now": now,
        "by": by.pk if by else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(_OTHERS, values)
