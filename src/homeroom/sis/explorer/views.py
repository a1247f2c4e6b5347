"""API Explorer: an administrator tries a call as a secured user, and sees word for word what that one would be answered."""

from time import perf_counter
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

import msgspec
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from homeroom.oneroster.endpoints import BASE_PATHS, ENDPOINTS
from homeroom.sis.explorer.forms import CallForm
from homeroom.sis.oneroster_api.app import Desk, respond
from homeroom.sis.oneroster_api.callers import caller_for
from homeroom.sis.rehearsal.acting import COOKIE
from homeroom.sis.rehearsal.dialects import DIALECTS, Auth, Dialect
from homeroom.sis.rehearsal.models import Rehearsal
from homeroom.sis.secured_users.configuration import root
from homeroom.sis.wire import Answer, Request, sent_headers

MOST_SHOWN = 200_000  # characters of a body


@never_cache
@login_required
def explorer(request: HttpRequest) -> HttpResponse:
    """A form, and by POST the answer to its call. A person's data stands in no address of this page."""
    form = CallForm(request.POST or None, initial={"user": request.GET.get("user", "")})
    shown: dict[str, Any] = {"area": "explorer", "form": form, "endpoints": ENDPOINTS}
    if request.method == "POST" and form.is_valid():
        shown |= _tried(form, root(request))
    return render(request, "explorer/explorer.html", shown)


def _tried(form: CallForm, site: str) -> dict[str, Any]:
    user, query = form.cleaned_data["user"], form.query()
    caller = caller_for(user.pk)
    if caller is None:
        return {"refused": user}
    rehearsal = Rehearsal.objects.filter(secured_user=user).first()
    dialect = DIALECTS.get(rehearsal.dialect) if rehearsal else None
    asked = _request(dialect, form.cleaned_data["version"], form.cleaned_data["path"], query, site)
    started = perf_counter()
    answer = respond(asked, timezone.now(), Desk(lambda *_: caller, lambda *_: None)).read()
    return {
        "answer": answer,
        "headers": sent_headers(answer),
        "milliseconds": (perf_counter() - started) * 1000,
        "asked": asked,
        "signed": dialect is not None and dialect.auth is Auth.SIGNED,
        "rehearsal": rehearsal,
        "dialect": dialect,
        **_body(answer),
    }


def _request(
    dialect: Dialect | None, version: str, path: str, query: list[tuple[str, str]], site: str
) -> Request:
    """The call as the app would send it: to the address of the dialect, and in its version, when one is rehearsed."""
    base = BASE_PATHS[version]
    if dialect is not None:
        base = unquote(urlsplit(dialect.addresses(site)["OneRoster API URL, in full"]).path)
    raw = urlencode(query, quote_via=quote)
    return Request("GET", base + path, query, _headers(dialect), b"", site, raw)


def _headers(dialect: Dialect | None) -> dict[str, str]:
    scheme = "OAuth" if dialect is not None and dialect.auth is Auth.SIGNED else "Bearer"
    return {"authorization": f"{scheme} tried", "cookie": f"{COOKIE}=tried"}


def _body(answer: Answer) -> dict[str, Any]:
    """The body to be read by people; one that is no JSON as it is."""
    try:
        text = msgspec.json.format(answer.body, indent=2).decode()
    except msgspec.DecodeError:
        text = answer.body.decode("utf-8", "replace")
    return {"text": text[:MOST_SHOWN], "cut": len(text) > MOST_SHOWN}
