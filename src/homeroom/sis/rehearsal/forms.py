"""The form of a rehearsal."""

from typing import Any

from django import forms

from homeroom.sis.records.status import schools
from homeroom.sis.rehearsal.dialects import DIALECTS
from homeroom.sis.rehearsal.faults import FAULTS
from homeroom.sis.rehearsal.models import Rehearsal
from homeroom.sis.rehearsal.switch import PATIENCE


class RehearsalForm(forms.Form):
    """Whose dialect, which faults, which school vanishes, and how long a time-out takes."""

    dialect = forms.ChoiceField(
        required=False,
        widget=forms.RadioSelect,
        choices=[("", "Homeroom, by the standard"), *((name, one.label) for name, one in DIALECTS.items())],
    )
    faults = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[(name, fault.label) for name, fault in FAULTS.items()],
    )
    school = forms.ChoiceField(
        required=False, label="The school that vanishes", help_text="Used by “A school has vanished”."
    )
    seconds = forms.IntegerField(
        min_value=1,
        max_value=600,
        label="Seconds that a time-out takes",
        help_text="Used by “Time-outs”. Most clients wait 30 to 60.",
    )

    def __init__(self, rehearsal: Rehearsal | None, data: Any = None) -> None:
        names = ("dialect", "faults", "school", "seconds")
        initial = {name: getattr(rehearsal, name) for name in names} if rehearsal else {"seconds": PATIENCE}
        super().__init__(data, initial={"dialect": "", **initial})
        choices = [(school["sourcedId"], school["name"]) for school in schools()]
        self.fields["school"].choices = [("", "The first one"), *choices]  # type: ignore[attr-defined]

    def ticks(self, name: str) -> list[dict[str, Any]]:
        """The choices of a field, each with what it does."""
        says = {one: dialect.says for one, dialect in DIALECTS.items()} | {
            one: fault.says for one, fault in FAULTS.items()
        }
        return [{"tick": tick, "says": says.get(str(tick.data["value"]), "")} for tick in self[name]]

    def clean(self) -> dict[str, Any]:
        """A rehearsal of nothing is none."""
        said: dict[str, Any] = super().clean() or {}
        if not said.get("dialect") and not said.get("faults"):
            raise forms.ValidationError("Choose a SIS, a fault, or both.")
        return said
