"""Rehearsal: a secured user's calls answered as another SIS would, or on a bad day, until it is ended."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from homeroom.sis.rehearsal.dialects import DIALECTS
from homeroom.sis.rehearsal.faults import FAULTS
from homeroom.sis.rehearsal.forms import RehearsalForm
from homeroom.sis.rehearsal.models import Rehearsal
from homeroom.sis.rehearsal.switch import Unknown, end, start
from homeroom.sis.secured_users.configuration import root
from homeroom.sis.secured_users.models import SecuredUser


@login_required
def rehearsal(request: HttpRequest, user_id: int) -> HttpResponse:
    """The rehearsal of a secured user. POST with go=start begins it anew, with go=end ends it."""
    user = get_object_or_404(SecuredUser, pk=user_id)
    now = Rehearsal.objects.filter(secured_user=user).first()
    form = RehearsalForm(now, request.POST if request.POST.get("go") == "start" else None)
    if request.POST.get("go") == "end":
        end(user, timezone.now())
        messages.success(request, f"The rehearsal is over: {user} is answered as the data says.")
        return redirect("secured_user_rehearsal", user_id=user.pk)
    if request.method == "POST" and form.is_valid() and _started(user, form):
        messages.success(request, "The rehearsal has begun, from the next call on.")
        return redirect("secured_user_rehearsal", user_id=user.pk)
    shown = {"area": "secured_users", "secured_user": user, "form": form, **_on(now, root(request))}
    shown |= {"dialect_ticks": form.ticks("dialect"), "fault_ticks": form.ticks("faults")}
    return render(request, "rehearsal/rehearsal.html", shown)


def _started(user: SecuredUser, form: RehearsalForm) -> bool:
    try:
        start(user, timezone.now(), **form.cleaned_data)
    except Unknown as wrong:
        form.add_error(None, str(wrong))
        return False
    return True


def _on(now: Rehearsal | None, site: str) -> dict[str, Any]:
    """What a rehearsal that is on comes to, and which addresses to type for it."""
    if now is None:
        return {"rehearsal": None}
    dialect = DIALECTS.get(now.dialect)
    faults = [FAULTS[name] for name in now.faults if name in FAULTS]
    addresses = dialect.addresses(site) if dialect is not None else {}
    return {"rehearsal": now, "dialect": dialect, "faults": faults, "addresses": addresses}
