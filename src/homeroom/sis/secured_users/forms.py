"""The forms of adding a secured user, a step each."""

from django import forms

from homeroom.sis.secured_users.keys import OVERLAPS
from homeroom.sis.secured_users.models import SecuredUser


class NameForm(forms.ModelForm):  # type: ignore[type-arg] # Django cannot be subscripted when it runs
    """Organization or Person, and the name."""

    class Meta:
        model = SecuredUser
        fields = ("kind", "name")
        labels = {"kind": "Kind", "name": "Name"}

    def clean_name(self) -> str:
        """One entry of a name, however it is written."""
        name = str(self.cleaned_data["name"]).strip()
        if SecuredUser.objects.filter(name__iexact=name).exists():
            raise forms.ValidationError(
                "There is an entry of this name already: use it, or enter another name."
            )
        return name


class AddressForm(forms.ModelForm):  # type: ignore[type-arg]
    """The address, which may stay empty."""

    class Meta:
        model = SecuredUser
        fields = ("address",)
        widgets = {"address": forms.Textarea({"rows": 3})}


class ContactForm(forms.ModelForm):  # type: ignore[type-arg]
    """Whom to ask at the organisation; all of it may stay empty."""

    class Meta:
        model = SecuredUser
        fields = ("contact_name", "contact_phone", "contact_email")
        labels = {"contact_name": "Contact name", "contact_phone": "Phone", "contact_email": "E-mail"}


class SecurityForm(forms.ModelForm):  # type: ignore[type-arg]
    """Active or not: all that a secured user for the API needs."""

    class Meta:
        model = SecuredUser
        fields = ("active",)
        labels = {"active": "Active"}


class SecretForm(forms.Form):
    """How long the old secret goes on working beside the new one."""

    overlap = forms.ChoiceField(
        choices=[(name, "ends at once" if name == "none" else f"works for {name} more") for name in OVERLAPS],
        label="The secret used until now",
    )
