"""Generating and checking keys. A secret is shown once, by whoever called `generate`, and never again."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from homeroom.sis.secured_users.models import Key, SecuredUser

OVERLAPS = {
    "none": timedelta(0),
    "1 hour": timedelta(hours=1),
    "1 day": timedelta(days=1),
    "7 days": timedelta(days=7),
}


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key with its secret, for the one moment in which it is shown."""

    key: str
    secret: str


def generate(secured_user: SecuredUser, now: datetime, overlap: timedelta = timedelta(0)) -> NewKey:
    """A new key and secret. Older ones of this secured user end now, or when the overlap is over."""
    new = NewKey(key=secrets.token_hex(12), secret=secrets.token_urlsafe(32))
    with transaction.atomic():
        older = secured_user.keys.filter(Q(ends_at=None) | Q(ends_at__gt=now + overlap))
        older.update(ends_at=now + overlap)
        Key.objects.create(secured_user=secured_user, key=new.key, secret=new.secret)
    return new


def valid_key(key: str, secret: str, now: datetime) -> Key | None:
    """The key, when the secret is its own, it has not ended and its secured user is active; else None."""
    found = Key.objects.select_related("secured_user").filter(key=key).first()
    # The comparison runs for an unknown key too, so that the time taken tells nothing.
    same = secrets.compare_digest((found.secret if found else "no such key").encode(), secret.encode())
    if found is None or not same or not is_live(found, now):
        return None
    return found


def is_live(key: Key, now: datetime) -> bool:
    """Whether a key still opens the door."""
    return key.secured_user.active and (key.ends_at is None or key.ends_at > now)


def hash_of(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()
