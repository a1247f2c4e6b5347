"""What is learnt of a server once it is found: page limit, totals, links, reading by id, lists by school. Changes nothing there."""

from dataclasses import replace
from urllib.parse import quote

from homeroom.oneroster.client import Page, Session, split
from homeroom.oneroster.failing import ExchangeFailed
from homeroom.oneroster.profile import Profile

LARGE_LIMIT = 10_000


def learn(session: Session, school: str = "", by: str = "") -> Profile:
    """The profile completed by asking, which the session then goes by. `by` is what made us look."""
    large = large_page(session)
    profile = with_limit(session, large)
    profile = replace(
        profile,
        keyset=keyset_works(session),
        school_endpoint=bool(school) and serves_lists(session, school),
        learnt_at=session.now().isoformat(timespec="seconds"),
        learnt_by=by,
    )
    session.profile = profile
    return profile


def large_page(session: Session) -> Page:
    """The largest page that the server gives; of ids alone, where it knows how to leave the rest out."""
    large = {"limit": str(LARGE_LIMIT)}
    try:
        return split(session.get("/users", {**large, "fields": "sourcedId"}), ("users",))
    except ExchangeFailed as failed:
        if failed.status not in (400, 422, 500):
            raise
    return split(session.get("/users", large), ("users",))


def with_limit(session: Session, large: Page) -> Profile:
    """The profile with what a large page shows: its limit, whether it was cut, totals and links."""
    came = len(large.records)
    clamped = 0 < came < LARGE_LIMIT and _has_more(session, large)
    return replace(
        session.profile,
        max_limit=came if clamped else LARGE_LIMIT,
        clamped=clamped,
        total_count=large.total is not None,
        link=bool(large.links),
    )


def _has_more(session: Session, large: Page) -> bool:
    """Whether there is more behind a page that should have been large enough."""
    came = len(large.records)
    if large.total is not None:
        return came < large.total
    if "next" in large.links:
        return True
    try:
        more = split(session.get("/users", {"limit": "1", "offset": str(came)}), ("users",)).records
    except ExchangeFailed:
        return False
    ids = {record.sourced_id for record in large.records}
    return any(record.sourced_id not in ids for record in more)


def keyset_works(session: Session) -> bool:
    """Whether sorting by sourcedId and asking for what lies beyond one gives just that."""
    try:
        two = split(session.get("/users", {"limit": "2", "sort": "sourcedId"}), ("users",)).records
        if len(two) < 2 or not two[0].sourced_id < two[1].sourced_id:
            return False
        quoted = two[0].sourced_id.replace("'", "''")
        beyond = {"limit": "1", "sort": "sourcedId", "filter": f"sourcedId>'{quoted}'"}
        after = split(session.get("/users", beyond), ("users",)).records
    except ExchangeFailed:
        return False
    return len(after) == 1 and after[0].sourced_id == two[1].sourced_id


def serves_lists(session: Session, school: str) -> bool:
    """Whether the students and teachers of a school can be asked for by themselves."""
    return all(
        _answers(session, f"/schools/{quote(school, safe='')}/{word}") for word in ("students", "teachers")
    )


def _answers(session: Session, path: str) -> bool:
    try:
        split(session.get(path, {"limit": "1"}), ("users", path.rsplit("/", 1)[1]))
    except ExchangeFailed:
        return False
    return True
