"""Changes of a plan that were overtaken: somebody did something since it was made, and that stands. They are not carried out,
and say why. Each statement works on one batch of changes, as those that carry the rest of it out (`applying`)."""

from datetime import datetime, timedelta

from homeroom.campus.runs.models import Run
from homeroom.sync.roster import CONTACT_FIELDS, PERSON_FIELDS

# What somebody did just before a run began may be written after it did, and two machines' clocks are not one.
EARLY = timedelta(minutes=1)

HELD = 'held.person_id = c.subject_id AND held.school_id = c.school_id AND held."group" = c."group"'
# What people did by hand since the run began, of which its reading knew nothing.
BY_HAND = "hand.run_id IS NULL AND hand.district_id = %(district)s AND hand.subject = 'person' AND hand.decided_at >= %(since)s"
_MERGED = (
    f"{BY_HAND} AND hand.action IN ('merge', 'split') AND hand.id > c.id AND hand.subject_id = c.subject_id "
    "AND c.subject = 'person' AND c.action <> 'relink'"
)
_RESTORED = (
    f"{BY_HAND} AND hand.action = 'restore' AND hand.subject_id = c.subject_id AND hand.school_id = c.school_id "
    "AND hand.\"group\" = c.\"group\" AND c.subject = 'person' AND c.action = 'archive'"
)
PROTECTED = (
    "people_person held JOIN accounts_account account ON account.email = lower(held.email) "
    "JOIN schools_grant granted ON granted.account_id = account.id AND granted.district_id = held.district_id "
    "AND granted.role IN ('owner', 'district_manager')"
)


def since(run: Run, now: datetime) -> datetime:
    """From when on a run's reading may not have known what was done by hand."""
    return (run.started_at or now) - EARLY


def _lock(table: str, subject: str) -> str:
    return (
        f"SELECT FROM {table} WHERE id IN (SELECT subject_id FROM batch WHERE subject = '{subject}' "
        "AND (action <> 'skip' OR fields <> '{}')) ORDER BY id FOR NO KEY UPDATE"
    )


def _discard(table: str, why: str, when: str) -> str:
    return (
        f"UPDATE batch AS c SET state = 'discarded', reason = left('not carried out: {why}; ' || c.reason, 500) "
        f"FROM {table} WHERE c.state = 'planned' AND {when}"
    )


def _stale(table: str, fields: tuple[str, ...], subject: str) -> str:
    moved = " OR ".join(
        f"(c.fields ? '{f}' AND coalesce(c.fields->'{f}'->>0, '') <> held.{f})" for f in fields
    )
    return _discard(
        f"{table} held",
        "somebody edited this since the plan was made",
        f"held.id = c.subject_id AND c.subject = '{subject}' AND c.action = 'update' "
        f"AND ({moved} OR array(SELECT jsonb_object_keys(c.fields)) && held.kept_fields::text[]) "
        "AND NOT c.fields ? 'restricted'",  # a contact whom nobody may use goes, whoever chose them
    )


def _moved_since(when: str, actions: str) -> str:
    return _discard(
        "people_membership held",
        "somebody archived or restored this person since the plan was made",
        f"{HELD} AND c.subject = 'person' AND c.action IN ({actions}) AND {when}",
    )


def _out_of_reach(when: str, why: str, table: str, actions: str) -> str:
    return _discard(
        table,
        f"{why} since the plan was made",
        f"held.id = c.subject_id AND c.subject = 'person' AND {actions} AND {when}",
    )


# A re-key ties the new id to whomever the old one means by now: people may have been merged or split since it was proposed.
MEANT_BY_NOW = (
    "UPDATE batch AS c SET subject_id = record.person_id FROM connections_sourcerecord record WHERE c.action = 'relink' "
    "AND c.subject = 'person' AND record.connection_id = %(source)s AND record.sourced_id = c.fields->'sourced_id'->>0 "
    "AND record.person_id IS NOT NULL"
)
# Who acts by hand on somebody waits until the batch is through, or the batch sees what they did: nothing falls between.
LOCKS = (_lock("people_person", "person"), _lock("people_contact", "contact"))
OVERTAKEN = (
    _stale("people_person", PERSON_FIELDS, "person"),
    _stale("people_contact", CONTACT_FIELDS, "contact"),
    # Between plan and approval somebody may have been excluded from sync, or become one whom nothing archives.
    _out_of_reach(
        "held.excluded",
        "excluded from sync",
        "people_person held",
        "c.action NOT IN ('skip', 'relink') AND NOT c.new",
    ),
    _out_of_reach(
        "held.merged_into_id IS NOT NULL", "merged with somebody", "people_person held", "NOT c.new"
    ),
    _out_of_reach("true", "an Owner or District Manager", PROTECTED, "c.action = 'archive'"),
    # Whoever was merged or split stands for other records than those that were looked at.
    _discard("runs_change hand", "merged or split since the plan was made", _MERGED),
    _discard(
        "connections_sourcerecord record",
        "its record means somebody else by now",
        "record.connection_id = %(source)s AND record.sourced_id = c.sourced_id AND c.subject = 'person' "
        "AND record.person_id <> c.subject_id",
    ),
    # Who restores somebody by hand in mid-run saw what the SIS said before it. What they restored is out of Archive's reach,
    # as if it had been restored when the run had ended (`hand.restore`).
    f"UPDATE people_membership AS held SET managed_by = NULL FROM batch c, runs_change hand WHERE {HELD} AND {_RESTORED} "
    "AND held.ended_at IS NULL",
    _discard("runs_change hand", "somebody restored this person by hand since the run began", _RESTORED),
    _moved_since("held.ended_at IS NULL", "'add', 'restore'"),
    _moved_since("(held.ended_at IS NOT NULL OR held.managed_by IS DISTINCT FROM %(source)s)", "'archive'"),
    _moved_since("held.ended_by_hand AND held.ended_at IS NOT NULL", "'add', 'restore'"),
    # Nobody is at a place before they are anybody.
    _discard(
        "(SELECT id FROM batch WHERE subject = 'person' AND NOT new EXCEPT SELECT one.id FROM batch one JOIN batch made "
        "ON made.new AND made.state = 'planned' AND made.subject = 'person' AND made.subject_id = one.subject_id) AS late",
        "the person was not let in",
        "late.id = c.id AND NOT EXISTS (SELECT FROM people_person held WHERE held.id = c.subject_id)",
    ),
)
