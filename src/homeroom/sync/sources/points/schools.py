"""The points about schools: which the key can see, and which of them was meant by the School ID."""

import re
from collections.abc import Sequence

from homeroom.sync.reading import Check
from homeroom.sync.roster import SourceOrg
from homeroom.sync.sources.points.switches import switch_for
from homeroom.sync.sources.points.trial import Look, Trial, fine, mind, wrong

MOST_LISTED = 20
_IN_ORDER = "Please look at what your OneRoster API answers to /orgs: each org once, with its sourcedId, to the last page."


def listed(trial: Trial) -> list[Check]:
    """The schools that the key can see."""
    if trial.failed is not None:
        raise trial.failed
    orgs = trial.orgs = trial.source.orgs()
    schools = trial.schools = tuple(org for org in orgs if is_school(org, orgs))
    trouble = trial.source.evidence["orgs"].trouble
    if not schools and trouble:
        said = f"The server lists no school that can be used: {trouble}"
        return [wrong("schools", said, "Send this to the SIS's administrator.", _IN_ORDER)]
    if not schools:
        cure = "The SIS's administrator shares the school with the key. " + switch_for(trial.sis, "schools")
        return [
            wrong(
                "schools",
                "The server lists no school",
                cure,
                "Our key sees no schools. Please share at least ours with it.",
            )
        ]
    found = there(schools, "shared with this key")
    if trouble:
        said = (
            f"{found.detail}. The list is not whole, and while it is not, nobody would be archived: {trouble}"
        )
        return [mind("schools", said, "People are added and updated all the same.", _IN_ORDER)]
    return [found]


def there(schools: Sequence[SourceOrg], where: str) -> Check:
    """The schools that there are, in words."""
    word = "school is" if len(schools) == 1 else "schools are"
    said = f"{len(schools):,} {word} {where}: {_list(schools, 5)}"
    if all(org.type == "school" for org in schools):
        return fine("schools", said)
    return mind(
        "schools", f"{said}. The SIS marks them as departments, which we take for schools", "Nothing to do."
    )


def is_school(org: SourceOrg, orgs: Sequence[SourceOrg]) -> bool:
    """Whether an org serves as a school: by type, or as a department where no org is called a school."""
    kinds = {other.type for other in orgs}
    return org.type == "school" or ("school" not in kinds and org.type in ("department", ""))


def _list(schools: Sequence[SourceOrg], most: int) -> str:
    said = "; ".join(
        f"{org.name} (number {org.identifier or '–'}, id {org.sourced_id})" for org in schools[:most]
    )
    return said + (f"; and {len(schools) - most:,} more" if len(schools) > most else "")


def typed(trial: Look) -> list[Check]:
    """Which school was meant."""
    trial.school, check = resolve(trial.school_id, trial.orgs)
    return [check]


def resolve(typed: str, orgs: Sequence[SourceOrg]) -> tuple[SourceOrg | None, Check]:
    """Which school a typed School ID means: by sourcedId, else by number, else by a name only one school has."""
    schools = [org for org in orgs if is_school(org, orgs)]
    wanted = typed.strip()
    if not wanted:
        return None, _choose("No School ID was entered", schools)
    exact = next((org for org in orgs if org.sourced_id == wanted), None)
    if exact is not None and exact in schools:
        return exact, fine("school_id", f"Your School ID is {exact.name}")
    if exact is not None:
        return None, _choose(
            f"{exact.name} is a {exact.type or 'thing without a type'}, not a school", schools
        )
    for means, of in (("number", _number), ("name", _name), ("id", lambda org: org.sourced_id.casefold())):
        fits = [org for org in schools if of(org) and of(org) == of(SourceOrg(wanted, wanted, wanted))]
        if len(fits) == 1:
            said = f"Your School ID is the {means} of {fits[0].name} (its id is {fits[0].sourced_id})"
            return fits[0], fine("school_id", said)
        if fits:
            return None, _choose(f"{len(fits)} schools have the {means} “{wanted[:60]}”", fits)
    return None, _choose(f"No school has the id, number or name “{wanted[:60]}”", schools)


def _number(org: SourceOrg) -> str:
    return re.sub(r"^0+(?=.)", "", org.identifier.strip()).casefold()


def _name(org: SourceOrg) -> str:
    return " ".join(org.name.split()).casefold()


def _choose(said: str, schools: Sequence[SourceOrg]) -> Check:
    cure = (
        f"Choose one of these: {_list(schools, MOST_LISTED)}" if schools else "Ask the SIS's administrator."
    )
    ask = "Please tell us the School ID (sourcedId or number) of our school in your OneRoster API, and share it with our key."
    return wrong("school_id", said, cure, ask)
