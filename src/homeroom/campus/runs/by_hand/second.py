"""Two people for a large removal: the first approval is kept, a second one by somebody else carries it out."""

from collections.abc import Sequence
from datetime import datetime

from homeroom.campus.connections.models import RosterLink
from homeroom.campus.connections.policy import policy_of
from homeroom.campus.runs.by_hand.leaving_out import digest, waiting
from homeroom.campus.runs.models import Approval, Run
from homeroom.campus.schools.models import School
from homeroom.web.accounts.models import Account


class SecondNeeded(Exception):
    """An approval was kept, and somebody else must approve too; the message says so. Nobody was archived."""


def ask_for_a_second(run: Run, school: School | None, by: Account | None, now: datetime) -> None:
    """Lets an approval pass, or keeps it as the first of two. Raises `SecondNeeded`."""
    short = [one for one in _schools(run, school) if not _enough(run, one, by, now)]
    if short:
        removals = sum(waiting(run, one).filter(action="archive", left_out=False).count() for one in short)
        raise SecondNeeded(
            f"Your approval is kept. {removals} removals at {' and '.join(one.name for one in short)} need a second person: another "
            "Owner or District Manager approves them on this page. Nobody was archived yet."
        )


def _schools(run: Run, school: School | None) -> Sequence[School]:
    if school is not None:
        return [school]
    return list(School.objects.filter(pk__in=waiting(run).values("school")).order_by("pk"))


def _enough(run: Run, school: School, by: Account | None, now: datetime) -> bool:
    link = RosterLink.objects.filter(school=school).first()
    most = policy_of(link).second if link else None
    removals = waiting(run, school).filter(action="archive", left_out=False).count()
    if most is None or removals <= most:
        return True
    named = digest(run, school)
    first = Approval.objects.filter(run=run, school=school, digest=named).first()
    who = by.pk if by else None
    if first is not None and first.by_id != who:
        return True
    Approval.objects.update_or_create(
        run=run, school=school, defaults={"by": by, "at": now, "removals": removals, "digest": named}
    )
    return False


def first_approval(run: Run, school: School) -> Approval | None:
    """The approval that waits for a second one, of what would be approved now."""
    return (
        Approval.objects.select_related("by")
        .filter(run=run, school=school, digest=digest(run, school))
        .first()
    )
