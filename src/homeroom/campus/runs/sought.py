"""The words by which a record is found, as hashes under a key of this installation.

A record may be somebody's whom no rule lets through, so nothing is kept of it that could be read. A hash without a key could be
guessed by whoever has the database, name after name; the key lies beside it, is never part of a statement, and so in no log.
"""

import hashlib
from collections.abc import Iterable

from homeroom.sync.roster import SourcePerson
from homeroom.web.secrets import derived_key


class Words:
    """Hashes words, each to a number of 64 bits with a sign, as PostgreSQL keeps it."""

    def __init__(self) -> None:
        key = derived_key("words by which a record is found")
        self._begun = hashlib.blake2b(key=key, digest_size=8)
        self._mark = hashlib.blake2b(key=key, digest_size=16)

    def of(self, person: SourcePerson) -> list[int]:
        """Those of a record: its names, number (with and without leading zeros) and e-mail."""
        number = person.number.lstrip("0")
        said = f"{person.given_name} {person.middle_name} {person.family_name} {person.number} {number} {person.email}"
        return self.hashes(said.split())

    def hashes(self, words: Iterable[str]) -> list[int]:
        """In order and each once, in whatever case the words are."""
        return sorted({self._hash(word.lower()) for word in words})

    def _hash(self, word: str) -> int:
        one = self._begun.copy()
        one.update(word.encode())
        return int.from_bytes(one.digest(), "big", signed=True)

    def decided_under(self, policy: bytes) -> bytes:
        """What a decision stands on: a policy, and the key under which its record is found. Under another key every record is
        looked at once more, and found again."""
        mark = self._mark.copy()
        mark.update(policy)
        return mark.digest()
