"""Secured users as an IT person of the district meets them: list, add in four steps, API, Generate a New Secret."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import F, Max, Q, QuerySet, Sum, TextField, Value
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from homeroom.sis.secured_users.configuration import root
from homeroom.sis.secured_users.forms import AddressForm, ContactForm, NameForm, SecretForm, SecurityForm
from homeroom.sis.secured_users.keys import OVERLAPS, generate, is_live
from homeroom.sis.secured_users.models import SecuredUser
from homeroom.sis.secured_users.usage import usage
from homeroom.web.spreadsheet import download, moment, searched

COLUMNS = ("Name", "Kind", "Active", "Contact", "Secret made", "Last used", "Calls")
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
    usage.write()  # what this process has not written yet
    words = asked.get("q", "").strip()
    found = _found(words).order_by("name")
    if asked.get("format") == "csv":
        rows = ([u.name, u.get_kind_display(), "yes" if u.active else "no", u.contact_name, moment(u.made), moment(u.last_used),
                 u.calls or 0] for u in found)  # fmt: skip
        return download("secured-users", COLUMNS, rows)
    return _page(request, "list.html", users=found, words=words, query=searched(words))


def _found(words: str) -> QuerySet[Any]:
    """Secured users of some words, with the age of their secret, their last use and their calls."""
    found = SecuredUser.objects.select_related("rehearsal").annotate(
        made=Max("keys__created_at"), last_used=Max("keys__last_used_at"), calls=Sum("keys__calls")
    )
    return found.filter(Q(name__icontains=words) | Q(contact_name__icontains=words)) if words else found


@login_required
def add(request: HttpRequest) -> HttpResponse:
    """Step one: kind and name. Entries of the name, or like it, are offered while it is typed and once more before one is made."""
    form = NameForm(request.POST or None)
    if request.POST.get("go") == "look":
        return _page(request, "like.html", like=_like(request.POST.get("name", "")))
    if request.method == "POST" and form.is_valid():
        made = form.save(commit=False)
        made.active = False  # until its security info is saved
        made.save()
        return redirect("secured_user_address", user_id=made.pk)
    return _page(request, "add.html", form=form, like=_like(str(form["name"].value() or "")))


def _like(name: str) -> Iterable[SecuredUser]:
    """Entries whose name has these words in it, or begins what was typed: "Minga" is offered to who types "Minga Inc"."""
    typed = name.strip()
    if len(typed) < 2:
        return ()
    begins = SecuredUser.objects.annotate(typed=Value(typed, output_field=TextField()))
    return begins.filter(Q(name__icontains=typed) | Q(typed__istartswith=F("name")))[:5]


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
    usage.write()
    now = timezone.now()
    keys = [{"key": key, "live": is_live(key, now)} for key in user.keys.all()]
    return _page(request, "api.html", secured_user=user, keys=keys, new=new, form=form, site=root(request))


def _page(request: HttpRequest, template: str, **shown: Any) -> HttpResponse:
    return render(request, f"secured_users/{template}", {"area": "secured_users", **shown})
