"""A secured user's share of the data: made when it has rules of its own, gone with the last of them."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from homeroom.sis.records.models import Share
from homeroom.sis.records.sharing import GROUPS, HIDEABLE
from homeroom.sis.records.store import share_anew, unshare
from homeroom.sis.secured_users.models import SecuredUser


def share_of(user: SecuredUser) -> Share:
    """The rules of a secured user; those of one that is given everything are empty, and not kept."""
    kept = Share.objects.filter(pk=user.share).first() if user.share else None
    return kept or Share(groups=list(GROUPS))


def narrow(
    user: SecuredUser, schools: Iterable[str], groups: Iterable[str], hidden: Iterable[str], now: datetime
) -> None:
    """Sets what a secured user may see: schools by sourcedId (none: all), role groups, and hidden fields by name."""
    _keep(user, ruled(share_of(user), schools, groups, hidden), now)


def ruled(share: Share, schools: Iterable[str], groups: Iterable[str], hidden: Iterable[str]) -> Share:
    """The share with these rules, in their own order; it is not saved."""
    share.schools = sorted(set(schools))
    share.groups = [group for group in GROUPS if group in set(groups)]
    share.hidden = [name for name in HIDEABLE if name in set(hidden)]
    return share


def retell(user: SecuredUser, names: Iterable[str], now: datetime) -> None:
    """Sets the retellings of a secured user's records, for a rehearsal; none ends them."""
    share = share_of(user)
    share.retold = list(names)
    _keep(user, share, now)


def _keep(user: SecuredUser, share: Share, now: datetime) -> None:
    whole = not share.schools and not share.hidden and share.groups == list(GROUPS) and not share.retold
    with transaction.atomic():
        if not whole:
            share_anew(share, now)
        old, user.share = user.share, 0 if whole else share.pk
        user.save(update_fields=["share"])
        if whole and old:
            unshare(old)
