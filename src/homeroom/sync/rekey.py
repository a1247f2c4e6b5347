"""A re-key: an SIS that deals out new ids to the same people, at a move to another system or another version of one.

It is one event, not so many leavers and so many new people. It is recognised by how many people whose ids are gone are there
again, under ids that nobody knew, with the same number or e-mail, or with the same name and birth date; a person decides about
all of them at once.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from homeroom.sync.roster import SourceOrg

# Fewer people with new ids than this are what every night has: somebody withdrawn and enrolled again.
MANY, SHARE = 10, 0.02
FEW, HALF = 3, 0.5
# A birth date of more people than this is none: a SIS says it of whomever it knows none of. The first allows for twins and more.
MOST_BORN, SHARE_BORN = 5, 0.01
NO_SCHOOL = ("district", "local", "state", "national")


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """What speaks for a re-key at one school. `people` are there again, `sure` of them by two signs or more; `gone` are those
    whose ids have vanished, found again or not; `org` is the school's new id where that is another one too; `born` are those of
    the people whom nothing but name and birth date found again."""

    people: int
    sure: int
    contacts: int
    gone: int
    org: SourceOrg | None = None
    born: int = 0

    @property
    def confidence(self) -> int:
        """How sure it is, in per cent: of those whose ids have vanished, how many are there again by two signs or more."""
        return round(100 * self.sure / self.gone) if self.gone else 0


def is_rekey(again: int, known: int) -> bool:
    """Whether so many people with new ids, of so many known to the connection, are one event."""
    share = again / known if known else 0.0
    return (again >= MANY and share >= SHARE) or (again >= FEW and share >= HALF)


def reason(found: Rekeyed, school: str) -> str:
    """What it probably is, with the evidence and the way out, as a hold says it."""
    moved = (
        f" The school itself has the new id {found.org.sourced_id} ({found.org.name})." if found.org else ""
    )
    contacts = f" and {found.contacts:,} contacts" if found.contacts else ""
    born = f", {found.born:,} by name and birth date alone" if found.born else ""
    return (
        f"Looks like a re-key: of {found.gone:,} people of {school} whose ids are gone from the SIS, {found.people:,}{contacts} "
        f"are there again under new ids, {found.sure:,} of them by two signs or more{born} (confidence {found.confidence} %).{moved} "
        "Nobody was added or archived. Look at the sample under New ids in the SIS, then approve to relink them all, or say that they "
        "are other people."
    )


def school_again(
    typed: str, name: str, orgs: Sequence[SourceOrg], taken: Collection[str] = ()
) -> SourceOrg | None:
    """The org that is a vanished school under a new id: of the School ID that was typed, else of its name; None unless it is
    the only one. `taken` are the ids that other schools of ours go by."""
    free = [org for org in orgs if org.type not in NO_SCHOOL and org.sourced_id not in taken]
    by_number = [org for org in free if typed and _plain(org.identifier) == _plain(typed)]
    found = by_number or [
        org for org in free if _plain(org.name) in (_plain(name), _plain(typed)) and org.name
    ]
    return found[0] if len(found) == 1 else None


def _plain(text: str) -> str:
    """A number or name without what a clerk would not see in it: case, spaces, leading zeros."""
    return " ".join(text.casefold().split()).lstrip("0")
