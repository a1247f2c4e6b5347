"""The form of one call of the API."""

import re
from typing import Any

from django import forms

from homeroom.oneroster.endpoints import V1P1, V1P2, match
from homeroom.sis.secured_users.models import SecuredUser

QUERY = ("limit", "offset", "filter", "sort", "orderBy", "fields")
_EXAMPLES = {
    "filter": "familyName~'ar' AND role='student'",
    "sort": "familyName",
    "fields": "sourcedId,givenName",
}


class CallForm(forms.Form):
    """As whom, in which version, which address, and its query."""

    user = forms.ModelChoiceField(
        SecuredUser.objects.order_by("name"), label="As the secured user", empty_label=None
    )
    version = forms.ChoiceField(choices=[(V1P1, "OneRoster 1.1"), (V1P2, "OneRoster 1.2")], initial=V1P1)
    path = forms.CharField(
        max_length=600, initial="/users", widget=forms.TextInput({"list": "paths", "autocomplete": "off"})
    )
    limit = forms.CharField(required=False, max_length=20, initial="10")
    offset = forms.CharField(required=False, max_length=20)
    filter = forms.CharField(required=False, max_length=2000)
    sort = forms.CharField(required=False, max_length=200)
    orderBy = forms.ChoiceField(required=False, choices=[("", ""), ("asc", "asc"), ("desc", "desc")])  # noqa: N815 # its name in the standard
    fields_ = forms.CharField(required=False, max_length=1000, label="fields")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in QUERY:
            field = self.fields[_field(name)]
            field.label = name
            field.widget.attrs["placeholder"] = _EXAMPLES.get(name, "")

    def clean_path(self) -> str:
        """An address below the OneRoster API URL."""
        path = "/" + str(self.cleaned_data["path"]).strip().strip("/")
        blank = re.search(r"\{(\w+)\}", path)
        if blank:
            raise forms.ValidationError(f"Put a sourcedId in the place of {blank[0]}.")
        if match(path) is None:
            raise forms.ValidationError("There is no such address. Choose one from the list, such as /users.")
        return path

    def query(self) -> list[tuple[str, str]]:
        """The query as it was typed, without what was left empty."""
        said = ((name, self.cleaned_data[_field(name)]) for name in QUERY)
        return [(name, value) for name, value in said if value]


def _field(name: str) -> str:
    """A form has `fields` of its own."""
    return "fields_" if name == "fields" else name
