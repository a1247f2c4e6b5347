"""Faults that servers have on bad days, each to be switched on for a secured user.

Those of the wire strike every third call, so that a client that tries again gets through; those of the data change its records.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from time import sleep

from homeroom.sis.rehearsal.models import Rehearsal
from homeroom.sis.wire import Answer, Request

EVERY = 3
Ask = Callable[[Request], Answer]


@dataclass(frozen=True, slots=True)
class Strike:
    """One call that a fault may strike."""

    rehearsal: Rehearsal
    request: Request
    now: datetime

    @property
    def due(self) -> bool:
        """Whether it is this call's turn."""
        return self.rehearsal.calls % EVERY == 0


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens, for people, and how: `bend` asks for the answer, or not, and gives what the client gets."""

    label: str
    bend: Callable[[Strike, Ask], Answer] | None = None
    retold: tuple[str, ...] = field(default=())


def _refused(status: int, **headers: str) -> Answer:
    return Answer(
        status, b'{"error":"rehearsed"}', {name.replace("_", "-"): said for name, said in headers.items()}
    )


def expired_secret(strike: Strike, ask: Ask) -> Answer:
    del strike, ask
    return _refused(401, WWW_Authenticate='Bearer realm="OneRoster"')


def token_ends(strike: Strike, ask: Ask) -> Answer:
    """Every other token is refused from its third call on: the one that is asked for next lives."""
    cut = strike.rehearsal.tokens % 2 == 1 and strike.rehearsal.calls_with_token >= EVERY
    return _refused(401, WWW_Authenticate='Bearer realm="OneRoster"') if cut else ask(strike.request)


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
    status = (503, 502, 504)[strike.rehearsal.calls // EVERY % 3]
    return Answer(status, b"<html><h1>Bad gateway</h1></html>", {"Content-Type": "text/html"})


def time_outs(strike: Strike, ask: Ask) -> Answer:
    if strike.due:
        sleep(strike.rehearsal.seconds)
    return ask(strike.request)


def half_pages(strike: Strike, ask: Ask) -> Answer:
    """Half of what was asked for, and neither total nor link to tell so."""
    limit = strike.request.value("limit") or "100"
    half = max(int(limit) // 2, 1) if limit.isdigit() else 50
    answer = ask(strike.request.asking(limit=str(half)))
    kept = {name: said for name, said in answer.headers.items() if name not in ("X-Total-Count", "Link")}
    return replace(answer, headers=kept)


def html(strike: Strike, ask: Ask) -> Answer:
    page = b"<!doctype html><title>Sign in</title><h1>Please sign in</h1>"
    return Answer(200, page, {"Content-Type": "text/html"}) if strike.due else ask(strike.request)


def cut_json(strike: Strike, ask: Ask) -> Answer:
    answer = ask(strike.request)
    return replace(answer, body=answer.body[: len(answer.body) // 2]) if strike.due else answer


def wrong_totals(strike: Strike, ask: Ask) -> Answer:
    answer = ask(strike.request)
    total = answer.headers.get("X-Total-Count", "")
    more = {"X-Total-Count": str(int(total) + 7)} if total.isdigit() else {}
    return replace(answer, headers={**answer.headers, **more})


def moving_rows(strike: Strike, ask: Ask) -> Answer:
    """As if somebody came in at the front after the first page: every later page begins a row early."""
    offset = strike.request.value("offset") or "0"
    moved = str(int(offset) - 1) if offset.isdigit() and int(offset) else offset
    return ask(strike.request.asking(offset=moved))


FAULTS: dict[str, Fault] = {
    "expired_secret": Fault(
        "The secret has expired: no token, and those given before are refused", expired_secret
    ),
    "token_ends": Fault(
        "401 in mid-run: a token is refused from its third call on, the next one holds", token_ends
    ),
    "too_many_seconds": Fault("429 every third call, Retry-After in seconds", too_many_seconds),
    "too_many_date": Fault("429 every third call, Retry-After as a date", too_many_date),
    "too_many_silent": Fault("429 every third call, without Retry-After", too_many_silent),
    "server_errors": Fault("502, 503 and 504 in turn, every third call", server_errors),
    "time_outs": Fault("Every third call takes longer than a client waits", time_outs),
    "half_pages": Fault("Pages are half as long as asked, and nothing says so", half_pages),
    "html": Fault("Every third call is answered 200 with a sign-in page in HTML", html),
    "cut_json": Fault("Every third answer ends in the middle of its JSON", cut_json),
    "wrong_totals": Fault("Totals are 7 too many", wrong_totals),
    "moving_rows": Fault("Rows move between pages: each later page begins a row early", moving_rows),
    "vanished_school": Fault("A school has vanished, with its people", retold=("vanished_school",)),
    "rekeyed": Fault("Every id is another one, as after a move to a new SIS", retold=("rekeyed",)),
    "last_year": Fault(
        "Last year's database: a grade lower, this year's new students missing", retold=("last_year",)
    ),
}
