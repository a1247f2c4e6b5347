"""Faults that servers have on bad days, each to be switched on for a secured user.

Those of the wire strike every third call, so that a client that tries again gets through; those of the data change its records.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import format_datetime

from homeroom.oneroster.paging import PagingError, link_header, window
from homeroom.sis.rehearsal.models import EVERY, Rehearsal
from homeroom.sis.rehearsal.oddities import odd_body
from homeroom.sis.wire import Answer, Request

Ask = Callable[[Request], Answer]
MOST_WAITING = 3  # calls that a process lets wait for a time-out at a time: the others need its threads
_waiting = threading.BoundedSemaphore(MOST_WAITING)


@dataclass(frozen=True, slots=True)
class Strike:
    """One call that a fault may strike. `tokens` tells that it brings a token that another one can take the place of."""

    rehearsal: Rehearsal
    request: Request
    now: datetime
    tokens: bool = True
    wait: Callable[[float], None] = time.sleep

    @property
    def due(self) -> bool:
        """Whether it is this call's turn."""
        return self.rehearsal.calls % EVERY == 0


Bend = Callable[[Strike, Ask], Answer]


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens, in a few words and at length, and how: `bend` asks for the answer, or not, and gives what the client gets."""

    label: str
    says: str
    bend: Bend | None = None
    retold: tuple[str, ...] = ()


def _refused(status: int, **headers: str) -> Answer:
    return Answer(
        status, b'{"error":"rehearsed"}', {name.replace("_", "-"): said for name, said in headers.items()}
    )


def _unauthorized() -> Answer:
    return _refused(401, WWW_Authenticate='Bearer realm="OneRoster"')


def _kept(answer: Answer, *gone: str) -> Answer:
    return replace(answer, headers={name: said for name, said in answer.headers.items() if name not in gone})


def expired_secret(strike: Strike, ask: Ask) -> Answer:
    del strike, ask
    return _unauthorized()


def token_ends(strike: Strike, ask: Ask) -> Answer:
    """The token is refused from its third call on; where there are no tokens, each third call is."""
    spent = not strike.rehearsal.spared and strike.rehearsal.calls_with_token >= EVERY
    return _unauthorized() if (spent if strike.tokens else strike.due) else ask(strike.request)


def too_many_seconds(strike: Strike, ask: Ask) -> Answer:
    return _refused(429, Retry_After="1") if strike.due else ask(strike.request)


def too_many_date(strike: Strike, ask: Ask) -> Answer:
    later = format_datetime(strike.now + timedelta(seconds=2), usegmt=True)
    return _refused(429, Retry_After=later) if strike.due else ask(strike.request)


def too_many_silent(strike: Strike, ask: Ask) -> Answer:
    return _refused(429) if strike.due else ask(strike.request)


def server_errors(strike: Strike, ask: Ask) -> Answer:
    """503, 502 and 504 in turn, with the proxy's HTML."""
    if not strike.due:
        return ask(strike.request)
    status = (503, 502, 504)[(strike.rehearsal.calls // EVERY - 1) % 3]
    return Answer(status, b"<html><h1>Bad gateway</h1></html>", {"Content-Type": "text/html"})


def time_outs(strike: Strike, ask: Ask) -> Answer:
    if strike.due:
        if not _waiting.acquire(blocking=False):
            return Answer(504, b"", {"Content-Type": "text/html"})
        try:
            strike.wait(strike.rehearsal.seconds)
        finally:
            _waiting.release()
    return ask(strike.request)


def half_pages(strike: Strike, ask: Ask) -> Answer:
    """Half of what was asked for, and neither total nor link to tell so."""
    limit = strike.request.value("limit") or "100"
    half = str(max(int(limit) // 2, 1)) if limit.isdigit() else limit
    return _kept(ask(strike.request.asking(limit=half)), "X-Total-Count", "Link")


def html(strike: Strike, ask: Ask) -> Answer:
    page = b"<!doctype html><title>Sign in</title><h1>Please sign in</h1>"
    return Answer(200, page, {"Content-Type": "text/html"}) if strike.due else ask(strike.request)


def cut_json(strike: Strike, ask: Ask) -> Answer:
    answer = ask(strike.request)
    return replace(answer, body=answer.body[: len(answer.body) // 2]) if strike.due else answer


def odd_records(strike: Strike, ask: Ask) -> Answer:
    answer = ask(strike.request)
    return replace(answer, body=odd_body(answer.body)) if answer.status == 200 else answer


def wrong_totals(strike: Strike, ask: Ask) -> Answer:
    return _miscounted(ask(strike.request), 7)


def short_totals(strike: Strike, ask: Ask) -> Answer:
    return _miscounted(ask(strike.request), -7)


def _miscounted(answer: Answer, by: int) -> Answer:
    total = answer.headers.get("X-Total-Count", "")
    wrong = {"X-Total-Count": str(max(int(total) + by, 0))} if total.isdigit() else {}
    return replace(answer, headers={**answer.headers, **wrong})


def moving_rows(strike: Strike, ask: Ask) -> Answer:
    """As if somebody came in at the front after the first page: every later page begins a row early."""
    offset = strike.request.value("offset") or "0"
    if not offset.isdigit() or not int(offset):
        return ask(strike.request)
    answer = ask(strike.request.asking(offset=str(int(offset) - 1)))
    return replace(answer, headers={**answer.headers, **_links(strike.request, answer)})


def _links(request: Request, answer: Answer) -> dict[str, str]:
    """The links that belong to the page that was asked for, not to the one that came."""
    total = answer.headers.get("X-Total-Count", "")
    if "Link" not in answer.headers or not total.isdigit():
        return {}
    try:
        asked = window(request.value("limit"), request.value("offset"), 10_000)
    except PagingError:
        return {}
    return {"Link": link_header(request.root + request.path, request.query, asked, int(total))}


def empty_lists(strike: Strike, ask: Ask) -> Answer:
    """No record, as if a filter had found none."""
    return ask(strike.request.asking(filter="sourcedId=''"))


_WIRE = {
    "expired_secret": Fault(
        "Expired secret", "No token is given, and those given before are refused with 401.", expired_secret
    ),
    "token_ends": Fault(
        "401 in mid-run",
        "A token is refused from its third call on. The one that is asked for next holds.",
        token_ends,
    ),
    "too_many_seconds": Fault(
        "429 with Retry-After in seconds",
        "Every third call is refused; a second later it is answered.",
        too_many_seconds,
    ),
    "too_many_date": Fault(
        "429 with Retry-After as a date",
        "Every third call is refused; two seconds later it is answered.",
        too_many_date,
    ),
    "too_many_silent": Fault(
        "429 without Retry-After",
        "Every third call is refused, and nothing says for how long.",
        too_many_silent,
    ),
    "server_errors": Fault(
        "Server errors (502, 503, 504)",
        "Every third call fails, each time otherwise, with a page of HTML.",
        server_errors,
    ),
    "time_outs": Fault(
        "Time-outs",
        "Every third call takes longer than a client waits; see “Seconds that a time-out takes”.",
        time_outs,
    ),
    "half_pages": Fault(
        "Half pages", "Pages are half as long as asked for, without total or link to tell.", half_pages
    ),
    "html": Fault("HTML with status 200", "Every third call is answered with a sign-in page.", html),
    "cut_json": Fault("Cut JSON", "Every third answer ends in the middle of its JSON.", cut_json),
    "odd_records": Fault(
        "Odd records",
        "Records as careless servers send them: null lists, one object in place of a list, true without quotes, references "
        "without an id, odd dates and grades.",
        odd_records,
    ),
    "wrong_totals": Fault("Wrong totals", "Totals are 7 too many.", wrong_totals),
    "short_totals": Fault("Wrong totals, too few", "Totals are 7 too few.", short_totals),
    "moving_rows": Fault(
        "Rows move between pages",
        "Each page after the first begins a row early: one person comes twice, and one not at all.",
        moving_rows,
    ),
    "empty_lists": Fault(
        "Empty lists", "Every list is empty, with status 200, as when a grant was lost.", empty_lists
    ),
}
_DATA = {
    "vanished_school": Fault(
        "A school has vanished",
        "With its people, and nothing says so; choose it below.",
        retold=("vanished_school",),
    ),
    "last_year": Fault(
        "Last year's database",
        "Dates a year back, students a grade lower, this year's new ones missing.",
        retold=("last_year",),
    ),
    "rekeyed": Fault(
        "All ids are new",
        "As after a move to a new SIS: names, numbers and e-mails stay.",
        retold=("rekeyed",),
    ),
}
# In the order in which faults of the data are told: new ids come last, since the others look at records by their ids.
FAULTS: dict[str, Fault] = {**_WIRE, **_DATA}
