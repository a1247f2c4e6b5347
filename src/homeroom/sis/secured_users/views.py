"""Secured users as an IT person of the district meets them: list, add in four steps, API, Generate a New Secret."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Max, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from homeroom.sis.secured_users.configuration import root
from homeroom.sis.secured_users.forms import AddressForm, ContactForm, NameForm, SecretForm, SecurityForm
from homeroom.sis.secured_users.keys import OVERLAPS, generate, is_live
from homeroom.sis.secured_users.models import SecuredUser
from homeroom.web.spreadsheet import download

COLUMNS = ("Name", "Kind", "Active", "Contact", "Last used", "Calls")
BUTTONS = {
    "api": "secured_user_api",
    "sharing": "secured_user_sharing",
    "log": "secured_user_log",
    "rehearsal": "secured_user_rehearsal",
    "edit": "secured_user_address",
    "security": "secured_user_security",
}


@login_required
def secured_users(request: HttpRequest) -> HttpResponse:
    """The list; a button acts on the entry that is highlighted. Query: q, format=csv, user and go (a word of BUTTONS)."""
    asked = request.GET
    if asked.get("go") in BUTTONS:
        if asked.get("user", "").isdigit():
            return redirect(BUTTONS[asked["go"]], user_id=int(asked["user"][:18]))
        messages.warning(request, "Highlight a secured user in the list first.")
    words = asked.get("q", "").strip()
    found = SecuredUser.objects.select_related("rehearsal").annotate(
        last_used=Max("keys__last_used_at"), calls=Sum("keys__calls")
    )
    found = found.filter(Q(name__icontains=words) | Q(contact_name__icontains=words)) if words else found
    if asked.get("format") == "csv":
        rows = (
            [u.name, u.get_kind_display(), u.active, u.contact_name, u.last_used, u.calls or 0] for u in found
        )
        return download("secured-users", COLUMNS, rows)
    return _page(request, "list.html", users=found.order_by("name"), words=words)


@login_required
def add(request: HttpRequest) -> HttpResponse:
    """Step one: kind and name. An existing entry of the name, or one like it, is offered first."""
    form = NameForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = form.save(commit=False)
        made.active = False  # until its security info is saved
        made.save()
        return redirect("secured_user_address", user_id=made.pk)
    name = str(form["name"].value() or "").strip()
    like = SecuredUser.objects.filter(name__icontains=name)[:5] if name else ()
    return _page(request, "add.html", form=form, like=like)


def _step(
    request: HttpRequest,
    user_id: int,
    form_class: "type[forms.ModelForm[SecuredUser]]",
    words: dict[str, str],
    then: str,
) -> HttpResponse:
    """One step: its form, what its button says, and where it leads."""
    user = get_object_or_404(SecuredUser, pk=user_id)
    form = form_class(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        return redirect(then, user_id=user_id) if then else _finished(request, user)
    return _page(request, "step.html", secured_user=user, form=form, **words)


def _finished(request: HttpRequest, user: SecuredUser) -> HttpResponse:
    if user.active:
        messages.success(request, f"{user.name} is an active secured user. Highlight it and press API.")
    else:
        messages.warning(
            request, f"{user.name} is not active: every call of it is refused, its tokens included."
        )
    return redirect("secured_users")


@login_required
def address(request: HttpRequest, user_id: int) -> HttpResponse:
    """Step two: the address."""
    words = {"step": "Address", "button": "Save", "hint": "Optional."}
    return _step(request, user_id, AddressForm, words, "secured_user_contact")


@login_required
def contact(request: HttpRequest, user_id: int) -> HttpResponse:
    """Step three: whom to ask."""
    words = {"step": "Contact", "button": "Continue Add", "hint": "Optional: whom to ask about this app."}
    return _step(request, user_id, ContactForm, words, "secured_user_security")


@login_required
def security(request: HttpRequest, user_id: int) -> HttpResponse:
    """Step four: active or not."""
    hint = "The secured user must be Active. It needs no other permission, and its password is never used."
    return _step(
        request, user_id, SecurityForm, {"step": "Security info", "button": "Save", "hint": hint}, ""
    )


@never_cache
@login_required
def api(request: HttpRequest, user_id: int) -> HttpResponse:
    """The API button: the keys there are, and Generate a New Secret, which shows key and secret this once."""
    user = get_object_or_404(SecuredUser, pk=user_id)
    form = SecretForm(request.POST or None)
    new = None
    if request.method == "POST" and form.is_valid():
        new = generate(user, timezone.now(), OVERLAPS[form.cleaned_data["overlap"]])
    now = timezone.now()
    keys = [{"key": key, "live": is_live(key, now)} for key in user.keys.all()]
    return _page(request, "api.html", secured_user=user, keys=keys, new=new, form=form, site=root(request))


def _page(request: HttpRequest, template: str, **shown: Any) -> HttpResponse:
    return render(request, f"secured_users/{template}", {"area": "secured_users", **shown})
