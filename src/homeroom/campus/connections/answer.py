"""The answer of Test Connection on the page: points in their groups, messages to copy, what was learnt, people on demand."""

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from homeroom.campus.connections.models import Method, RosterLink
from homeroom.campus.connections.source import sample
from homeroom.campus.connections.trying import is_under_way
from homeroom.campus.schools.access import ROSTERING, SchoolRequest, at_school
from homeroom.oneroster.profile import Profile
from homeroom.sync.reading import Check, SourceFailed
from homeroom.sync.sources.points.message import WORDS, message

GROUPS = {
    "The set": ("set", "rows", "whole"),
    "The way there": ("address", "dns", "reach", "tls", "clock"),
    "Key and version": ("token", "version"),
    "Schools": ("schools", "school_id"),
    "People": ("people", "emails", "numbers", "roles", "guardians", "sample"),
    "How it is read": ("limit", "total", "link", "keyset", "school_endpoint"),
}
_KNOWN = {field.name for field in fields(Check)}
_AUTH = {
    "oauth2": "OAuth 2.0 token",
    "bearer": "fixed bearer token",
    "oauth1-sha256": "OAuth 1.0a, HMAC-SHA256",
    "oauth1-sha1": "OAuth 1.0a, HMAC-SHA1",
}


def answer_of(link: RosterLink | None) -> dict[str, Any]:
    """The last answer, or the one that is coming in, as the page shows it; {} when there was none."""
    if link is None or not link.test:
        return {}
    now = timezone.now()
    under_way = is_under_way(link, now)
    points = [
        _point(number, Check(**_plain(check)), link) for number, check in enumerate(link.test["checks"], 1)
    ]
    return {
        **link.test,
        "under_way": under_way,
        "cut_off": bool(link.test.get("under_way")) and not under_way,
        "groups": _grouped(points),
        "at": link.tested_at,
        "profile": learnt(link),
    }


def _plain(check: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in check.items() if name in _KNOWN}


def _point(number: int, check: Check, link: RosterLink) -> dict[str, Any]:
    at = link.tested_at or timezone.now()
    matters = check.tried and check.ok is not True
    return {
        "number": number,
        "check": check,
        "words": WORDS.get(check.name, check.name.capitalize()),
        "state": _state(check),
        "message": message(check, _url(link), at.astimezone(UTC))
        if matters and check.cure + check.ask
        else "",
    }


def _url(link: RosterLink) -> str:
    """The address that is tried; none where a CSV set is read."""
    return "" if link.connection.method == Method.ONEROSTER_CSV else link.connection.url


def _state(check: Check) -> str:
    if not check.tried:
        return "not tried"
    return {True: "fine", False: "failed", None: "to mind"}[check.ok]


def _grouped(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The points under their headings, those of no heading first."""
    named = {name for names in GROUPS.values() for name in names}
    rest = [point for point in points if point["check"].name not in named]
    groups: list[dict[str, Any]] = [{"heading": "", "points": rest}]
    for heading, names in GROUPS.items():
        groups.append({"heading": heading, "points": [p for p in points if p["check"].name in names]})
    for group in groups:
        group["skipped"] = _skipped(group["points"])
    return [group for group in groups if group["points"]]


def _skipped(points: list[dict[str, Any]]) -> dict[str, str]:
    """Of a group in which nothing could be tried: each reason, with the points that it kept from being tried."""
    if any(point["state"] != "not tried" for point in points):
        return {}
    reasons: dict[str, list[str]] = {}
    for point in points:
        reasons.setdefault(point["check"].detail, []).append(point["words"])
    return {reason: ", ".join(words) for reason, words in reasons.items()}


def learnt(link: RosterLink) -> list[tuple[str, str]]:
    """What was learnt of the server, in words."""
    profile = Profile.from_json(link.connection.profile or {})
    if profile is None:
        return []
    rows = [
        ("OneRoster", profile.version),
        ("Address", profile.base_url),
        ("Who we are", _AUTH.get(profile.auth, profile.auth) + (", with cookies" if profile.cookies else "")),
        ("Tokens", profile.token_url),
        ("Pages", f"{profile.max_limit:,} people" + (", cut by the server" if profile.clamped else "")),
        ("Reading", "by id" if profile.keyset else "by position"),
        ("Given", _given(profile)),
        ("Learnt", _when(profile)),
    ]
    return [(name, value) for name, value in rows if value]


def _given(profile: Profile) -> str:
    said = {"totals": profile.total_count, "links": profile.link, "lists by school": profile.school_endpoint}
    return (
        ", ".join(word for word, given in said.items() if given) or "no totals, no links, no lists by school"
    )


def _when(profile: Profile) -> str:
    at: datetime | None = parse_datetime(profile.learnt_at) if profile.learnt_at else None
    moment = timezone.localtime(at).strftime("%-d %b %Y %H:%M") if at else ""
    return ", ".join(part for part in (moment, profile.learnt_by) if part)


@at_school(ROSTERING)
def test_answer(request: SchoolRequest) -> HttpResponse:
    """The answer so far, to be put into the page; the whole page is fetched anew once it is complete."""
    link = get_object_or_404(RosterLink.objects.select_related("connection"), school=request.school)
    answer = answer_of(link)
    response = render(request, "connections/answer.html", {"test": answer, "link": link})
    if not answer.get("under_way"):
        response["HX-Refresh"] = "true"
    return response


@at_school(ROSTERING)
def test_sample(request: SchoolRequest) -> HttpResponse:
    """A few people of the school by name, as the SIS says them now: shown to those who may see its people, kept nowhere."""
    link = get_object_or_404(RosterLink.objects.select_related("connection"), school=request.school)
    shown: dict[str, Any] = {}
    try:
        shown["sample"] = sample(link)
    except SourceFailed as failed:
        shown["failed"] = f"{failed}. {failed.cure}"
    response = render(request, "connections/sample.html", shown)
    response["Cache-Control"] = "no-store"
    return response


for _page in (test_answer, test_sample):
    _page.__test__ = False  # type: ignore[attr-defined] # pytest must not take them for tests
