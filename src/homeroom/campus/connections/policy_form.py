"""The sync settings as people fill them in: a field for each name of the table of settings."""

from collections.abc import Callable
from datetime import time
from typing import Any

from django import forms

from homeroom.campus.connections import policy_kinds as kinds
from homeroom.campus.connections.models import RosterLink
from homeroom.campus.connections.policy import settings_of
from homeroom.campus.connections.policy_history import latest
from homeroom.campus.connections.policy_kinds import Kind, SettingError, emails
from homeroom.campus.connections.policy_names import HOLDS, POLICY
from homeroom.sync.roster import RoleGroup
from homeroom.sync.rules import KEEPABLE, Policy

FIELD_LABELS = {
    "given_name": "First name",
    "family_name": "Last name",
    "middle_name": "Middle name",
    "email": "E-mail",
    "number": "Number",
    "username": "User name",
    "phone": "Phone",
    "grade": "Grade",
}
LABELS = {
    "matching": "Recognise a person by",
    "births": "Birth dates help to recognise people whose ids change",
    "rules": "Rules",
    "parents": "Primary Parent Contact Info",
    "hold.small": "In groups smaller than this no percentage holds",
    "approve.second": "Two people must approve more removals than",
    "year.end": "Last day of school",
    "grace.runs": "Complete syncs without them",
    "grace.days": "And days since the first",
    "pause": "Nothing is synced",
    "additions_only": "Additions only: nobody is changed or archived",
}
_SWITCHES = {"": "roster", ".auto_update": "Auto update", ".archive": "Archive"}
_ACTIONS = {"add": "additions", "update": "updates", "archive": "removals"}


MATCHING = (
    ("number,email", "Student or staff number, then e-mail"),
    ("email,number", "E-mail, then student or staff number"),
    ("number", "Student or staff number only"),
    ("email", "E-mail only"),
    ("none", "Neither: the SIS's id alone"),
)


BIRTHS = (
    "For all schools that share this connection. Off at first, since what is not needed is not read. On, a sync asks the SIS for the "
    "birth date of each rostered student of whom it has none yet; the SIS must let our key read demographics. The date itself is "
    "never kept, only a code that tells whether two dates are the same and from which nobody can read one. When the SIS deals out new "
    "ids, name and birth date together then find students who have neither number nor e-mail. Switched off again, all codes are wiped "
    "at once."
)


class SyncSettingsForm(forms.Form):
    """Every sync setting of a school. What is left empty is as a school begins: no limit, no grace, no period."""

    matching = forms.ChoiceField(
        choices=MATCHING,
        required=False,
        label=LABELS["matching"],
        help_text="For all schools that share this connection. The SIS's own id comes first always; a name never counts.",
    )
    births = forms.BooleanField(required=False, label=LABELS["births"], help_text=BIRTHS)
    time = forms.TimeField(
        label="Syncs daily at", initial=time(2, 0), widget=forms.TimeInput({"type": "time"}, format="%H:%M")
    )
    notify = forms.CharField(
        required=False,
        label="Get notified of Roster Sync Results",
        help_text="E-mail addresses of owners, one a line or separated by commas",
        widget=forms.Textarea({"rows": 2}),
    )

    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)  # the version that this page showed

    def __init__(self, data: Any = None, *, link: RosterLink) -> None:
        initial = {field_of(name): _typed(value) for name, value in settings_of(link).items()}
        super().__init__(data, initial={**initial, "seen": latest(link)})
        for name, setting in POLICY.items():
            self.fields[field_of(name)] = _FIELDS.get(setting.kind, _text)(label_of(name))

    def clean_notify(self) -> str:
        """Addresses that are addresses."""
        try:
            return ",".join(emails(self.cleaned_data["notify"]))
        except SettingError as wrong:
            raise forms.ValidationError(str(wrong)) from wrong

    def clean(self) -> dict[str, Any]:
        """What was typed as words must be words that the settings know."""
        said: dict[str, Any] = super().clean() or {}
        for name, setting in POLICY.items():
            try:
                setting.kind.read(name, self._word(name, said)) if field_of(name) in said else None
            except SettingError as wrong:
                self.add_error(field_of(name), str(wrong))
        return said

    def words(self) -> list[str]:
        """The settings as words for `policy.change_settings`."""
        said = self.cleaned_data
        policy = [f"{name}={self._word(name, said)}" for name in POLICY]
        matching = [f"matching={said['matching']}"] if said["matching"] else []
        births = f"births={kinds.SWITCH.word(said['births'])}"
        return [*policy, *matching, births, f"time={said['time']:%H:%M}", f"notify={said['notify']}"]

    def _word(self, name: str, said: dict[str, Any]) -> str:
        value, kind = said[field_of(name)], POLICY[name].kind
        if kind in (kinds.SWITCH, kinds.FIELDS):
            return kind.word(value)
        if value in (None, ""):
            return kind.word(POLICY[name].of(_BEGINNING))
        return str(value).replace(" to ", "..") if kind in (kinds.PAUSES, kinds.ADDITIONS) else str(value)

    @property
    def grid(self) -> list[dict[str, Any]]:
        """A row a role group: its name and its three switches."""
        return [
            {
                "label": group.value.capitalize(),
                "group": group.value,
                "switches": [self[field_of(group.value + switch)] for switch in _SWITCHES],
            }
            for group in RoleGroup
        ]

    @property
    def kept(self) -> list[dict[str, Any]]:
        """A row a role group: which fields stay as they are here."""
        return [
            {"label": group.value.capitalize(), "ticks": self[field_of(f"{group.value}.keep")]}
            for group in RoleGroup
        ]

    @property
    def has_kept(self) -> bool:
        """Whether any field is kept."""
        return any(row["ticks"].value() for row in self.kept)

    @property
    def has_periods(self) -> bool:
        """Whether anything stands about the year."""
        return any(self[name].value() for name in ("pause", "additions_only", "year_end"))

    @property
    def limits(self) -> list[dict[str, Any]]:
        """The limits of the school, then those of each role group."""
        rows = [("Every role group", "")] + [(g.value.capitalize(), f"{g.value}.") for g in RoleGroup]
        return [{"label": label, "cells": [*self._limits(start)]} for label, start in rows]

    def _limits(self, start: str) -> list[Any]:
        names = (f"{start}{HOLDS[action]}.{unit}" for action in _ACTIONS for unit in ("percent", "count"))
        return [self[field_of(name)] for name in names]


_BEGINNING = Policy()


def field_of(name: str) -> str:
    """The name of a setting's field in the form."""
    return name.replace(".", "_")


def label_of(name: str) -> str:
    """What a setting is called on pages."""
    group, _, rest = name.partition(".")
    whose = group.capitalize() if group in list(RoleGroup) else ""
    if whose and (switch := _SWITCHES.get(f".{rest}" if rest else "")):
        return f"{whose}: {switch}"
    if name.endswith(".keep"):
        return f"{whose}: kept as they are here"
    if name.endswith((".percent", ".count")):
        action = next(
            a
            for a, said in HOLDS.items()
            if name.removeprefix(f"{group}." if whose else "").rsplit(".", 1)[0] == said
        )
        unit = "percent" if name.endswith("percent") else "people"
        return f"{whose or 'Every role group'}: {_ACTIONS[action]}, {unit}"
    return LABELS.get(name, name.capitalize())


def _typed(value: Any) -> Any:
    return "\n".join(value) if isinstance(value, list) and (not value or value[0] not in KEEPABLE) else value


def _switch(label: str) -> forms.Field:
    return forms.BooleanField(required=False, label=label)


def _percent(label: str) -> forms.Field:
    widget = forms.NumberInput({"aria-label": label, "step": "any"})
    return forms.FloatField(required=False, min_value=0, max_value=100, label=label, widget=widget)


def _number(most: int, least: int = 0) -> Callable[[str], forms.Field]:
    def field(label: str) -> forms.Field:
        widget = forms.NumberInput({"aria-label": label})
        return forms.IntegerField(required=False, min_value=least, max_value=most, label=label, widget=widget)

    return field


def _ticks(label: str) -> forms.Field:
    choices = [(name, FIELD_LABELS[name]) for name in KEEPABLE]
    return forms.MultipleChoiceField(
        choices=choices, required=False, label=label, widget=forms.CheckboxSelectMultiple
    )


def _text(label: str) -> forms.Field:
    return forms.CharField(required=False, max_length=50, label=label)


def _lines(label: str) -> forms.Field:
    return forms.CharField(
        required=False,
        max_length=2000,
        label=label,
        help_text="First and last day, such as 2026-12-21..2027-01-03; several on lines of their own",
        widget=forms.Textarea({"rows": 2}),
    )


def _rules(label: str) -> forms.Field:
    return forms.CharField(
        required=False,
        max_length=20_000,
        label=label,
        help_text="One a line; the first that fits decides. Such as: role: administrator & title: Lunch > staff. Or: grade: PK, KG > out",
        widget=forms.Textarea({"rows": 3, "spellcheck": "false"}),
    )


_FIELDS: dict[Kind, Callable[[str], forms.Field]] = {
    kinds.SWITCH: _switch,
    kinds.PERCENT: _percent,
    kinds.PEOPLE: _number(1_000_000),
    kinds.SMALL: _number(1_000_000),
    kinds.RUNS: _number(100, 1),
    kinds.DAYS: _number(365),
    kinds.FIELDS: _ticks,
    kinds.OWN_RULES: _rules,
    kinds.PAUSES: _lines,
    kinds.ADDITIONS: _lines,
}
