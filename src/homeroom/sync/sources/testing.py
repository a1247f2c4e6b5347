"""Test Connection: the real path, asked point by point, each failing point with its cause and its cure.

A point that needs another is tried only when that one went well, and otherwise says so; every other is tried whatever came
before. It changes nothing, and no detail holds a secret or a person. What it costs has an end: `MOST_REQUESTS`, `MOST_SECONDS`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from homeroom.oneroster.exchange import Exchange
from homeroom.oneroster.failing import ExchangeFailed
from homeroom.sync.reading import Check, ConnectionTest, SourceFailed
from homeroom.sync.sources.points import network, people, schools, server
from homeroom.sync.sources.points.message import ASKS, WORDS
from homeroom.sync.sources.points.trial import Trial, untried
from homeroom.sync.sources.rest import RestSource

MOST_REQUESTS, MOST_SECONDS = 150, 180.0


@dataclass(frozen=True, slots=True)
class Point:
    """One question, and the points without which it makes no sense."""

    name: str
    ask: Callable[[Trial], list[Check]]
    needs: tuple[str, ...] = ()


POINTS = (
    Point("address", network.address),
    Point("dns", network.name, ("address",)),
    Point("reach", network.reach, ("dns",)),
    Point("tls", network.certificate, ("reach",)),
    Point("clock", network.clock, ("tls",)),
    Point("token", server.token, ("tls",)),
    Point("version", server.version, ("tls", "token?")),
    Point("schools", schools.listed, ("tls", "token?", "version?")),
    Point("school_id", schools.typed, ("schools",)),
    Point("people", people.counts, ("version", "school_id")),
    Point("emails", people.emails, ("people",)),
    Point("numbers", people.numbers, ("people",)),
    Point("roles", people.roles, ("version",)),
    Point("guardians", people.guardians, ("version",)),
    Point("limit", server.limit, ("version",)),
    Point("total", server.total, ("limit",)),
    Point("link", server.link, ("limit",)),
    Point("keyset", server.keyset, ("version",)),
    Point("school_endpoint", server.school_lists, ("version", "school_id")),
    Point("sample", people.sample, ("people",)),
)


def test(
    source: RestSource, school_id: str, told: Callable[[Check], None] = lambda _: None
) -> ConnectionTest:
    """The whole answer for a typed School ID. `told` hears each point as it is answered."""
    source.exchange = _brisk(source.exchange)
    trial, answers = Trial(school_id, source.settings.sis, source=source), dict[str, Check]()
    trial.looks = lambda: people.look(trial.ready(), trial.org)
    begun = source.exchange.clock()
    for point in POINTS:
        for check in _answers(point, trial, answers, begun):
            answers[check.name] = check
            told(check)
    return ConnectionTest(
        tuple(answers.values()),
        _profile(trial),
        trial.schools,
        trial.school,
        trial.counts,
        tuple(trial.sample),
    )


def _brisk(exchange: Exchange) -> Exchange:
    """An exchange that does not wait as long as a sync would: somebody sits before the page."""
    usual = exchange.bounds
    bounds = replace(
        usual,
        silent_seconds=min(usual.silent_seconds, 30),
        answer_seconds=min(usual.answer_seconds, 60),
        wait_seconds=min(usual.wait_seconds, 20),
        pages=min(usual.pages, MOST_REQUESTS),
    )
    return replace(exchange, bounds=bounds, tries=min(exchange.tries, 2))


def _answers(point: Point, trial: Trial, answers: dict[str, Check], begun: float) -> list[Check]:
    missing = next((name for name in point.needs if not _went_well(name, answers)), None)
    if missing is not None:
        return [untried(point.name, f"it needs “{WORDS[missing.rstrip('?')]}”")]
    exchange = trial.source.exchange
    if exchange.meter.requests > MOST_REQUESTS or exchange.clock() - begun > MOST_SECONDS:
        return [untried(point.name, "the test had taken long enough; the points above say why")]
    try:
        return point.ask(trial)
    except ExchangeFailed as failed:
        return [_failed(point.name, str(failed), failed.cure, ASKS.get(failed.kind, ""))]
    except SourceFailed as failed:
        kind = failed.__cause__.kind if isinstance(failed.__cause__, ExchangeFailed) else ""
        return [_failed(point.name, str(failed), failed.cure, ASKS.get(kind, ""))]


def _failed(name: str, detail: str, cure: str, ask: str) -> Check:
    return Check(name, ok=False, detail=detail, cure=cure, ask=ask)


def _went_well(name: str, answers: dict[str, Check]) -> bool:
    """Whether a point stands; with a question mark it is enough that it did not fail."""
    check = answers[name.rstrip("?")]
    return check.ok is not False and (check.tried or name.endswith("?"))


def _profile(trial: Trial) -> dict[str, object]:
    """What was learnt, once there is a server; {} otherwise."""
    if trial.session is None:
        return {}
    at = trial.source.now().isoformat(timespec="seconds")
    trial.session.profile = replace(trial.session.profile, learnt_at=at, learnt_by="Test Connection")
    return trial.session.profile.to_json()
