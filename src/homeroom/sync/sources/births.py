"""Birth dates as a source has them: asked for of the people named only, and nothing else of their demographics looked at.

Whoever the source answers for comes with a day, or with "" where it has none that can be read. Who does not come could not
be asked, and a problem says why.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from urllib.parse import quote

from homeroom.oneroster import lenient
from homeroom.oneroster.bounds import Bounds
from homeroom.oneroster.bulk.as_json import json
from homeroom.oneroster.bulk.files import BulkError, readable
from homeroom.oneroster.bulk.sets import set_of
from homeroom.oneroster.client import Page, RawRecord, Session, split
from homeroom.oneroster.failing import ExchangeFailed
from homeroom.oneroster.flight import pages
from homeroom.oneroster.walk import Walk
from homeroom.problems import Problem
from homeroom.sync.reading import Birth, Evidence, SourceFailed
from homeroom.sync.sources.csv_proof import File
from homeroom.sync.sources.places import Patience, Place, Taken, take

FEW = 100  # so many are asked for one by one: the fewest people's data, and seconds
MOST_FAILURES = 3
NO_ACCIDENT = 10  # so many without a single birth date mean that the source shows none
PAGE = 1000
MOVED = "the set was written anew while it was read"
ROSTER, FIELDS = "demographics", "sourcedId,birthDate"
_REFUSED = frozenset({"forbidden", "unauthorized", "token", "credentials"})
_NOT_SERVED = frozenset({404, 405, 501})
_FIELDS_UNKNOWN = frozenset({400, 422, 500})  # what servers say that cannot leave fields out


class OverRest:
    """Birth dates being asked for at a server, whose session is one with the scope for them."""

    def __init__(self, session: Session, of: Collection[str], problems: list[Problem]) -> None:
        self._session, self._left, self._problems = session, set(of), problems
        self._fields, self._served = FIELDS, False

    def read(self) -> Iterator[list[Birth]]:
        """A few one by one, many from the whole collection."""
        try:
            yield from self._singly() if len(self._left) <= FEW else self._all()
        except ExchangeFailed as failed:
            self._problems.append(_problem(failed))

    def _singly(self) -> Iterator[list[Birth]]:
        failures, without = 0, list[str]()
        for sourced_id in sorted(self._left):
            try:
                born = self._one(sourced_id)
            except ExchangeFailed as failed:
                failures += 1
                if _code(failed) != "births_unread" or failures == MOST_FAILURES:
                    raise
                self._problems.append(_problem(failed))
                continue
            if born.day:
                yield [born]
            else:
                without.append(sourced_id)
        some = len(without) < max(len(self._left) - failures, NO_ACCIDENT)
        yield from _rest(without, self._problems, ROSTER, "", any_day=some)

    def _one(self, sourced_id: str) -> Birth:
        try:
            page = self._get(f"/{ROSTER}/{quote(sourced_id, safe='')}")
        except ExchangeFailed as failed:
            if failed.status != 404 and failed.kind != "no_key":
                raise
            self._must_be_served()
            return Birth(sourced_id, "")
        days = [self._day(record) for record in page.records if record.sourced_id == sourced_id]
        return Birth(sourced_id, days[0] if days else "")

    def _must_be_served(self) -> None:
        """Tells somebody without a birth date from a server without any. Raises `ExchangeFailed`."""
        if not self._served:
            self._get(f"/{ROSTER}", limit="1")
        self._served = True

    def _get(self, path: str, **query: str) -> Page:
        bounds = self._session.exchange.bounds
        if self._fields:
            try:
                asked = {**query, "fields": "sourcedId" if query else self._fields}
                return split(self._session.get(path, asked), (ROSTER,), bounds)
            except ExchangeFailed as failed:
                if failed.status not in _FIELDS_UNKNOWN:
                    raise
            self._fields = ""
        return split(self._session.get(path, query), (ROSTER,), bounds)

    def _all(self) -> Iterator[list[Birth]]:
        many, trouble = len(self._left), ""
        profile, bounds = self._session.profile, self._session.exchange.bounds
        for by_id, fields in ((profile.keyset, FIELDS), (False, FIELDS), (False, "")):
            walk = Walk(replace(profile, keyset=by_id), f"/{ROSTER}", "", bounds, fields)
            try:
                yield from self._some(walk)
            except ExchangeFailed as failed:
                if failed.status not in _FIELDS_UNKNOWN or not fields:
                    raise
                continue
            trouble = walk.pull.trouble
            if walk.pull.finished or not self._left or not walk.pull.again:
                break
        yield from _rest(self._left, self._problems, ROSTER, trouble, any_day=len(self._left) < many)

    def _some(self, walk: Walk) -> Iterator[list[Birth]]:
        """Those of a walk who have a day, until nobody is left."""
        for page in pages(self._session, walk, (ROSTER,)):
            wanted = [record for record in page if record.sourced_id in self._left]
            found = [Birth(record.sourced_id, day) for record in wanted if (day := self._day(record))]
            self._left -= {born.sourced_id for born in found}
            yield found
            if not self._left:
                return

    def _day(self, record: RawRecord) -> str:
        return _day(record.raw, ROSTER, self._problems)


def in_csv(
    place: Place,
    before: Taken | None,
    patience: Patience,
    bounds: Bounds,
    of: Collection[str],
    problems: list[Problem],
) -> Iterator[list[Birth]]:
    """The birth dates of a CSV set, which must be the one that was taken `before`."""
    name = f"{ROSTER}.csv"
    try:
        with readable(place.name):
            found = set_of(_again(place, before, patience).files).file(ROSTER)
            if found is None:
                problems.append(Problem("births_not_served", name))
                return
            yield from _rows(File(found, Evidence(ROSTER), bounds), set(of), problems)
    except (BulkError, SourceFailed) as wrong:
        problems.append(Problem("births_unread", name, detail=str(wrong).rstrip(".")))
    finally:
        place.close()


def _again(place: Place, before: Taken | None, patience: Patience) -> Taken:
    taken = take(place, patience)
    if before is None or taken.mark != before.mark:
        raise BulkError(MOVED)
    return taken


def _rows(file: File, left: set[str], problems: list[Problem]) -> Iterator[list[Birth]]:
    any_day, page, name = False, list[Birth](), file.file.name
    for sourced_id, line in file.rows():
        said = file.shape.object(line.cells)
        any_day = any_day or "birthDate" in said
        if sourced_id in left and (day := _day(json(sourced_id, said), name, problems)):
            left.discard(sourced_id)
            page.append(Birth(sourced_id, day))
        if len(page) == PAGE:
            yield page
            page = []
    yield page
    if file.file.delta:
        return
    trouble = "" if file.ends_in_line and not file.problems else "rows of it may be missing"
    yield from _rest(left, problems, name, trouble, any_day=any_day)


def _rest(
    left: Collection[str], problems: list[Problem], where: str, trouble: str, *, any_day: bool
) -> Iterator[list[Birth]]:
    """Those for whom a whole collection had no day: they have none, unless it has none at all."""
    if left and (trouble or not any_day):
        code = "births_unread" if trouble else "births_not_served"
        problems.append(Problem(code, where, detail=trouble))
        return
    yield [Birth(sourced_id, "") for sourced_id in left]


def _day(raw: bytes, where: str, problems: list[Problem]) -> str:
    born, found = lenient.read_birth(raw)
    problems += [replace(problem, where=where) for problem in found if problem.code == "unreadable_date"]
    return born.birth_date if born is not None else ""


def _code(failed: ExchangeFailed) -> str:
    if failed.kind in _REFUSED:
        return "births_refused"
    not_served = failed.status in _NOT_SERVED or failed.kind == "no_key"
    return "births_not_served" if not_served else "births_unread"


def _problem(failed: ExchangeFailed) -> Problem:
    return Problem(_code(failed), ROSTER, detail=str(failed))
