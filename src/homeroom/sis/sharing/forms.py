"""The form of what a secured user may see."""

from typing import Any

from django import forms

from homeroom.sis.records.models import Share
from homeroom.sis.records.sharing import GROUPS, HIDEABLE
from homeroom.sis.records.status import schools

_TICKS = forms.CheckboxSelectMultiple


class SharingForm(forms.Form):
    """Schools (none ticked: every one), role groups, and what is left out."""

    schools = forms.MultipleChoiceField(required=False, widget=_TICKS)
    groups = forms.MultipleChoiceField(
        required=False, widget=_TICKS, choices=[(g, g.capitalize()) for g in GROUPS]
    )
    hidden = forms.MultipleChoiceField(
        required=False, widget=_TICKS, choices=[(name, label) for name, (label, _) in HIDEABLE.items()]
    )
    wanted = forms.CharField(
        required=False,
        max_length=255,
        label="Look for one of them",
        help_text="A sourcedId, e-mail or number.",
    )

    def __init__(self, share: Share, data: Any = None) -> None:
        super().__init__(
            data, initial={"schools": share.schools, "groups": share.groups, "hidden": share.hidden}
        )
        known = {school["sourcedId"]: f"{school['name']} ({school['sourcedId']})" for school in schools()}
        gone = {one: f"{one}, no longer in the data" for one in share.schools if one not in known}
        self.fields["schools"].choices = [*known.items(), *gone.items()]  # type: ignore[attr-defined]

    def clean_groups(self) -> list[str]:
        """At least one: a secured user that may see nobody is better made inactive."""
        groups: list[str] = self.cleaned_data["groups"]
        if not groups:
            raise forms.ValidationError(
                "Choose at least one group. To refuse this secured user everything, make it inactive."
            )
        return groups
