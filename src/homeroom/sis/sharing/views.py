"""Sharing: what a secured user may see, with a preview before it is saved; and the log of what it fetched."""

from copy import copy

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache

from homeroom.sis.records.models import Share
from homeroom.sis.records.store import counts
from homeroom.sis.secured_users.models import SecuredUser
from homeroom.sis.secured_users.usage import usage
from homeroom.sis.sharing.change import narrow, ruled, share_of
from homeroom.sis.sharing.forms import SharingForm
from homeroom.sis.sharing.preview import Preview, preview
from homeroom.web.spreadsheet import download

COLUMNS = ("Hour (UTC)", "Call", "Status", "Calls", "Records", "Bytes", "Last")
ON_A_PAGE = 100


@never_cache
@login_required
def sharing(request: HttpRequest, user_id: int) -> HttpResponse:
    """What a secured user may see. POST with go=preview shows what it would receive, with go=save gives it."""
    user = get_object_or_404(SecuredUser, pk=user_id)
    share = share_of(user)
    form = SharingForm(share, request.POST or None)
    seen = None
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        if request.POST.get("go") == "save":
            narrow(user, said["schools"], said["groups"], said["hidden"], timezone.now())
            messages.success(request, f"Saved. From its next call on, {user} is given this and nothing else.")
            return redirect("secured_user_sharing", user_id=user.pk)
        chosen = ruled(copy(share), said["schools"], said["groups"], said["hidden"])
        seen = _beside(share, preview(chosen, timezone.now(), said["wanted"]))
    shown = {"area": "secured_users", "secured_user": user, "share": share, "form": form, "seen": seen}
    return render(request, "sharing/sharing.html", shown)


def _beside(share: Share, seen: Preview) -> dict[str, object]:
    """A preview beside what is given now, a row for each collection."""
    now = counts(share.pk or 0)["kinds"]
    kinds = dict.fromkeys([*now, *seen.kinds])
    rows = [
        {
            "kind": kind,
            "now": now.get(kind, 0),
            "then": seen.kinds[kind],
            "samples": seen.samples.get(kind, []),
        }
        for kind in kinds
    ]
    return {"rows": rows, "roles": dict(seen.roles.most_common()), "found": seen.found}


@login_required
def fetch_log(request: HttpRequest, user_id: int) -> HttpResponse:
    """What a secured user fetched, by the hour, newest first. Query: q (words of a call), page, format=csv."""
    user = get_object_or_404(SecuredUser, pk=user_id)
    usage.write()  # what this process has not written yet
    words = request.GET.get("q", "").strip()
    found = user.fetches.filter(call__icontains=words) if words else user.fetches.all()
    if request.GET.get("format") == "csv":
        rows = ((f.hour.strftime("%Y-%m-%d %H:%M"), f.call, f.status, f.calls, f.records, f.bytes,
                 f.last_at.isoformat(timespec="seconds")) for f in found)  # fmt: skip
        return download("fetch-log", COLUMNS, rows)
    page = Paginator(found, ON_A_PAGE).get_page(request.GET.get("page"))
    query = f"{urlencode({'q': words})}&" if words else ""
    shown = {"area": "secured_users", "secured_user": user, "page": page, "words": words, "query": query}
    return render(request, "sharing/log.html", shown)
