"""The set-up form and the sync settings as people fill them in."""

from datetime import time
from typing import Any

from django import forms

from homeroom.campus.connections.models import Method, RosterLink, Sis
from homeroom.campus.connections.policy import SettingError, emails, settings_of
from homeroom.campus.connections.setup import Typed
from homeroom.sync.roster import RoleGroup

PLAIN = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}


class Methods(forms.Select):
    """The ways to connect; what is not there yet is shown, and cannot be chosen."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        if value == Method.ONEROSTER_CSV:
            option["label"], option["attrs"]["disabled"] = f"{option['label']} (not yet)", True
        return option


class SetUpForm(forms.Form):
    """Method, SIS and the four things that the SIS's administrator gave."""

    method = forms.ChoiceField(choices=Method.choices, label="Method", widget=Methods)
    sis = forms.ChoiceField(choices=Sis.choices, label="SIS", initial=Sis.OTHER)
    enabled = forms.BooleanField(required=False, label="Enable automatic rostering")
    url = forms.CharField(
        max_length=1000,
        label="URL",
        help_text="The OneRoster API URL",
        widget=forms.TextInput({**PLAIN, "inputmode": "url"}),
    )
    key = forms.CharField(max_length=500, label="API Key", widget=forms.TextInput(PLAIN))
    secret = forms.CharField(
        max_length=500,
        required=False,
        label="Client Secret",
        widget=forms.PasswordInput({**PLAIN, "autocomplete": "new-password"}),
    )
    school_id = forms.CharField(
        max_length=255,
        label="School ID",
        help_text="Which school this is, where several share one SIS: its id, number or name there",
        widget=forms.TextInput(PLAIN),
    )

    token_url = forms.CharField(
        max_length=1000,
        required=False,
        label="Token URL",
        help_text="Only where the SIS names one and it is not found by itself",
        widget=forms.TextInput(PLAIN),
    )
    ca_certificates = forms.CharField(
        max_length=100_000,
        required=False,
        label="CA certificates",
        help_text="Only for an SIS with a certificate of its own making: PEM text",
        widget=forms.Textarea({**PLAIN, "rows": 3}),
    )

    def __init__(self, data: Any = None, *, link: RosterLink | None) -> None:
        initial = _stored(link) if link else {}
        super().__init__(data, initial=initial)
        self.has_secret = bool(link and link.connection.secret)

    def clean_method(self) -> str:
        """The one that there is."""
        if self.cleaned_data["method"] != Method.ONEROSTER_API:
            raise forms.ValidationError("Choose OneRoster API: OneRoster CSV is not there yet.")
        return Method.ONEROSTER_API

    def clean_secret(self) -> str:
        """Needed once; an empty field keeps the one that is stored."""
        secret = str(self.cleaned_data["secret"]).strip()
        if not secret and not self.has_secret:
            raise forms.ValidationError("Enter the Client Secret that was shown beside the key.")
        return secret

    def typed(self) -> Typed:
        """What was typed, for `connections.setup.save`."""
        names = ("url", "key", "secret", "school_id", "sis", "token_url", "ca_certificates")
        return Typed(**{name: self.cleaned_data[name] for name in names})


def _stored(link: RosterLink) -> dict[str, Any]:
    connection = link.connection
    return {
        "method": connection.method,
        "sis": connection.sis,
        "enabled": connection.enabled,
        "url": connection.url,
        "key": connection.key,
        "token_url": connection.token_url,
        "ca_certificates": connection.ca_certificates,
        "school_id": link.school_id_typed,
    }


class SyncSettingsForm(forms.Form):
    """Every sync setting of a school, under the flat names that `homeroom policy` uses."""

    parents = forms.BooleanField(required=False, label="Primary Parent Contact Info")
    time = forms.TimeField(
        label="Syncs daily at", initial=time(2, 0), widget=forms.TimeInput({"type": "time"}, format="%H:%M")
    )
    hold_percent = forms.FloatField(min_value=0, max_value=100, label="Percent of a role group")
    hold_count = forms.IntegerField(min_value=0, max_value=1_000_000, label="People of a role group")
    notify = forms.CharField(
        required=False,
        label="Get notified of Roster Sync Results",
        help_text="E-mail addresses of owners, one a line or separated by commas",
        widget=forms.Textarea({"rows": 2}),
    )

    def __init__(self, data: Any = None, *, link: RosterLink) -> None:
        super().__init__(data, initial=_named(settings_of(link)))
        for name, label in SWITCHES.items():
            self.fields[_field(name)] = forms.BooleanField(required=False, label=label)

    def clean_notify(self) -> str:
        """Addresses that are addresses."""
        try:
            return ",".join(emails(self.cleaned_data["notify"]))
        except SettingError as wrong:
            raise forms.ValidationError(str(wrong)) from wrong

    def words(self) -> list[str]:
        """The settings as words for `policy.change_settings`."""
        said = self.cleaned_data
        switches = [f"{name}={'on' if said[_field(name)] else 'off'}" for name in (*SWITCHES, "parents")]
        numbers = [f"hold.percent={said['hold_percent']}", f"hold.count={said['hold_count']}"]
        return [*switches, *numbers, f"time={said['time']:%H:%M}", f"notify={said['notify']}"]

    @property
    def grid(self) -> list[dict[str, Any]]:
        """A row a role group: its name and its three switches."""
        return [
            {"label": group.value.capitalize(), "switches": [self[_field(name)] for name in _switches(group)]}
            for group in RoleGroup
        ]


def _switches(group: RoleGroup) -> tuple[str, str, str]:
    return group.value, f"{group.value}.auto_update", f"{group.value}.archive"


SWITCHES = {
    name: f"{group.value.capitalize()}: {what}"
    for group in RoleGroup
    for name, what in zip(_switches(group), ("roster", "Auto update", "Archive"), strict=True)
}


def _field(name: str) -> str:
    return name.replace(".", "_")


def _named(said: dict[str, Any]) -> dict[str, Any]:
    return {_field(name): "\n".join(value) if name == "notify" else value for name, value in said.items()}
