"""One contact of a student: their details, edited by hand, and the choice of the primary one."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from homeroom.campus.people.listing import left_for_another
from homeroom.campus.people.models import Contact, ContactLink, Membership
from homeroom.campus.runs.by_hand import hand
from homeroom.campus.schools.access import ROSTERING, SchoolRequest, at_school
from homeroom.sync.roster import CONTACT_FIELDS

SAID = {
    "edit": "Saved. What you edited stays until it is released to the SIS.",
    "release": "Released: the SIS may set these fields again.",
    "primary": "This is the primary contact now, until the student is released to the SIS.",
}


class ContactForm(forms.ModelForm):  # type: ignore[type-arg] # Django cannot be subscripted when it runs
    """The fields of a contact."""

    class Meta:
        model = Contact
        fields = CONTACT_FIELDS
        labels = {"email": "E-mail"}


def _link(request: SchoolRequest, person_id: int, contact_id: int) -> ContactLink:
    """The link of a contact to a student who is at the school, or was there last. Raises `Http404` for everybody else."""
    here = Membership.objects.filter(school=request.school, person=person_id)
    links = ContactLink.objects.filter(person__in=here.values("person"), contact=contact_id, ended_at=None)
    found = links.select_related("person", "contact").first()
    if found is None or left_for_another([person_id], request.school):
        raise Http404("There is no such contact of this person.")
    return found


@at_school(ROSTERING)
def contact(request: SchoolRequest, person_id: int, contact_id: int) -> HttpResponse:
    """The page. POST: `do` (edit, release, primary) and, to edit, the fields."""
    link = _link(request, person_id, contact_id)
    form = ContactForm(instance=link.contact)
    if request.method == "POST":
        do = request.POST.get("do", "")
        if do not in SAID:
            raise Http404("There is no such thing to do.")
        form = ContactForm(request.POST, instance=link.contact)
        if do != "edit" or form.is_valid():
            try:
                _do(request, link, do, form)
                messages.success(request, SAID[do])
            except hand.TooLate as said:
                messages.warning(request, str(said))
            return redirect("person", school_id=request.school.pk, person_id=person_id)
    others = ContactLink.objects.filter(contact=link.contact, ended_at=None).exclude(person=link.person)
    shown = {"area": "people", "link": link, "form": form, "others": others.count(), "person": link.person}
    return render(request, "runs/contact.html", shown)


def _do(request: SchoolRequest, link: ContactLink, do: str, form: ContactForm) -> None:
    now = timezone.now()
    if do == "edit":
        hand.edit_contact(link.contact, form.cleaned_data, request.user, now)
    elif do == "release":
        hand.release_contact(link.contact, request.user, now)
    else:
        hand.make_primary(link, request.user, now)
