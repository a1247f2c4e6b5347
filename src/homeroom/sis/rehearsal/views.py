"""Rehearsal: a secured user's calls answered as another SIS would, or on a bad day, until it is ended."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from homeroom.sis.rehearsal.dialects import DIALECTS
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
        messages.success(request, f"The rehearsal is over: {user} is answered as everybody is.")
        return redirect("secured_user_rehearsal", user_id=user.pk)
    if request.method == "POST" and form.is_valid() and _started(user, form):
        messages.success(
            request, f"The rehearsal has begun: it changes the answers of {user} and of nobody else."
        )
        return redirect("secured_user_rehearsal", user_id=user.pk)
    shown = {
        "area": "secured_users",
        "secured_user": user,
        "rehearsal": now,
        "form": form,
        "dialects": DIALECTS.values(),
    }
    dialect = DIALECTS.get(now.dialect) if now else None
    if dialect is not None:
        shown |= {"dialect": dialect, "addresses": dialect.addresses(root(request))}
    return render(request, "rehearsal/rehearsal.html", shown)


def _started(user: SecuredUser, form: RehearsalForm) -> bool:
    try:
        start(user, timezone.now(), **form.cleaned_data)
    except Unknown as wrong:
        form.add_error(None, str(wrong))
        return False
    return True
