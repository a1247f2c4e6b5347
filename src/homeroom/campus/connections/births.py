"""Marks of birth dates: keyed hashes, so that one date can be told from another and none can be read. The dates are kept nowhere.

The key is derived from the installation's secret, another one for each connection: marks of two connections never compare.
Whoever has both database and secret could try every day of a century; without the secret a mark tells nothing.
"""

import hashlib
import hmac

from django.db.models import Q

from homeroom.campus.connections.models import Connection, SourceRecord
from homeroom.web.secrets import derived_key

BYTES = 16
NOT_SAID = b""  # the mark of somebody of whom the SIS has no birth date


def key_of(connection: int) -> bytes:
    """The key of a connection's marks."""
    return derived_key(f"birth dates of connection {connection}")


def mark(key: bytes, day: str) -> bytes:
    """The mark of an ISO day."""
    return hmac.digest(key, day.encode(), hashlib.sha256)[:BYTES]


def name_of(key: bytes) -> bytes:
    """What a key is known by: marks made under another compare with nothing."""
    return mark(key, "the name of this key")


def wipe(connection: int, key: bytes | None = None) -> None:
    """Takes away every mark of a connection, and notes that all are to be made anew, under the key of this name."""
    marked = Q(connection=connection, birth__isnull=False)
    Connection.objects.filter(pk=connection).update(births_owed=True, births_key=key)
    SourceRecord.objects.filter(marked).update(birth=None)
