"""Sharing: what a secured user may see, with a preview before it is saved; and the log of what it fetched."""

from copy import copy

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from homeroom.sis.records.models import Share
from homeroom.sis.records.sharing import KINDS_IN_ORDER
from homeroom.sis.records.store import counts
from homeroom.sis.secured_users.models import SecuredUser
from homeroom.sis.secured_users.usage import usage
from homeroom.sis.sharing.change import narrow, ruled, share_of
from homeroom.sis.sharing.forms import SharingForm
from homeroom.sis.sharing.preview import Preview, preview, whole
from homeroom.web.spreadsheet import download, moment, searched

COLUMNS = ("Hour (UTC)", "Call", "Status", "Calls", "Records", "Bytes", "Last")
ON_A_PAGE = 100


@never_cache
@login_required
def sharing(request: HttpRequest, user_id: int) -> HttpResponseBase:
    """What a secured user may see. POST with go=preview shows what it would receive, go=download gives it, go=save sets it."""
    user = get_object_or_404(SecuredUser, pk=user_id)
    share = share_of(user)
    form = SharingForm(share, request.POST or None)
    seen = None
    if request.method == "POST" and form.is_valid():
        said, go = form.cleaned_data, request.POST.get("go")
        if go == "save":
            narrow(user, said["schools"], said["groups"], said["hidden"], timezone.now())
            messages.success(request, f"Saved. From its next call on, {user} is given this and nothing else.")
            return redirect("secured_user_sharing", user_id=user.pk)
        chosen = ruled(copy(share), said["schools"], said["groups"], said["hidden"])
        if go == "download":
            return _download(chosen)
        seen = _beside(share, preview(chosen, timezone.now(), said["wanted"]))
    shown = {"area": "secured_users", "secured_user": user, "share": share, "form": form, "seen": seen}
    return render(request, "sharing/sharing.html", shown)


def _download(chosen: Share) -> HttpResponseBase:
    answer = StreamingHttpResponse(whole(chosen, timezone.now()), content_type="application/json")
    answer.headers["Content-Disposition"] = 'attachment; filename="preview.json"'
    return answer


def _beside(share: Share, seen: Preview) -> dict[str, object]:
    """A preview beside what is given now, a row for each collection."""
    now = counts(share.pk or 0)["kinds"]
    rows = [
        {
            "kind": kind,
            "now": now.get(kind, 0),
            "then": seen.kinds[kind],
            "samples": seen.samples.get(kind, []),
        }
        for kind in KINDS_IN_ORDER
        if kind in now or kind in seen.kinds
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
                 moment(f.last_at)) for f in found)  # fmt: skip
        return download("fetch-log", COLUMNS, rows)
    page = Paginator(found, ON_A_PAGE).get_page(request.GET.get("page"))
    shown = {
        "area": "secured_users",
        "secured_user": user,
        "page": page,
        "words": words,
        "query": searched(words),
    }
    return render(request, "sharing/log.html", shown)
