"""The set-up form as people fill it in."""

from typing import Any

from django import forms
from django.utils import timezone

from homeroom.campus.connections.certificates import NoCertificates, check_pem
from homeroom.campus.connections.guides import guide_for
from homeroom.campus.connections.models import Method, RosterLink, Sis
from homeroom.campus.connections.setup import Typed, asks_for_secret
from homeroom.oneroster.address import host_of

MOST_BYTES = 100_000

PLAIN = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}


class SetUpForm(forms.Form):
    """Method, SIS and the four things that the SIS's administrator gave."""

    method = forms.ChoiceField(choices=Method.choices, label="Method")
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
        help_text="Only where the SIS names one and it is not found by itself; on another host too, and with its ?query",
        widget=forms.TextInput(PLAIN),
    )
    ca_file = forms.FileField(
        required=False,
        label="CA file",
        help_text="Only for an SIS whose certificate an authority of the school's own signed: its certificate in PEM form",
        max_length=255,
        widget=forms.FileInput({"accept": ".pem,.crt,.cer,.txt"}),
    )
    ca_certificates = forms.CharField(
        max_length=100_000,
        required=False,
        label="CA certificate as text",
        help_text="-----BEGIN CERTIFICATE----- … Empty this to go back to the usual public authorities",
        widget=forms.Textarea({**PLAIN, "rows": 3}),
    )
    plain_http = forms.BooleanField(
        required=False,
        label="I know that anybody on the way can read key, secret and people's data, and I allow plain http:// to this host",
        help_text="Only for an SIS in the school's own network that has no https. The consent falls when the host changes",
    )

    def __init__(self, data: Any = None, files: Any = None, *, link: RosterLink | None) -> None:
        initial = _stored(link) if link else {}
        super().__init__(data, files, initial=initial)
        self.link = link
        self.has_secret = bool(link and link.connection.secret)
        for name, label in guide_for(str(self["sis"].value())).labels.items():
            self.fields[name].label = label

    def clean_method(self) -> str:
        """The one whose fields these are."""
        if self.cleaned_data["method"] != Method.ONEROSTER_API:
            raise forms.ValidationError(
                "These are the fields of OneRoster API. Choose OneRoster CSV again to get its own."
            )
        return Method.ONEROSTER_API

    def clean_secret(self) -> str:
        """Needed once; an empty field keeps the one that is stored."""
        secret = str(self.cleaned_data["secret"]).strip()
        if not secret and not self.has_secret:
            raise forms.ValidationError("Enter the Client Secret that was shown beside the key.")
        return secret

    def clean(self) -> dict[str, Any]:
        """The CA file, from wherever it came; and a stored secret goes to no new host unless it is typed again."""
        said: dict[str, Any] = super().clean() or self.cleaned_data
        try:
            said["ca_certificates"] = check_pem(self._pem(), timezone.now())
        except NoCertificates as wrong:
            self.add_error("ca_file" if said.get("ca_file") else "ca_certificates", str(wrong))
        typed = said.get("url", ""), said.get("token_url", "")
        stored = self.link.connection if self.link and self.has_secret else None
        if (
            stored
            and not said.get("secret")
            and "secret" not in self.errors
            and asks_for_secret(stored, *typed)
        ):
            self.add_error(
                "secret",
                "The address names another host. Type the Client Secret again, so that it goes only where you mean.",
            )
        return said

    def _pem(self) -> str:
        file = self.cleaned_data.get("ca_file")
        if not file:
            return str(self.cleaned_data.get("ca_certificates", ""))
        if file.size > MOST_BYTES:
            raise NoCertificates(
                "This file is too large to be a CA file. Give the certificate of the authority alone, in PEM form."
            )
        return str(file.read().decode("utf-8", "replace"))

    @property
    def consent_fell(self) -> str:
        """The host to which plain http was allowed, when the tick was for it and the address now names another; else ""."""
        before = self.link.connection.plain_http_host if self.link else ""
        moved = before != "" and before != host_of(self.cleaned_data["url"])
        return before if moved and self.cleaned_data["plain_http"] else ""

    def typed(self) -> Typed:
        """What was typed, for `connections.setup.save`."""
        names = ("url", "key", "secret", "school_id", "sis", "token_url", "ca_certificates")
        consent = self.cleaned_data["plain_http"] and not self.consent_fell
        host = host_of(self.cleaned_data["url"]) if consent else ""
        return Typed(**{name: self.cleaned_data[name] for name in names}, plain_http_host=host)


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
        "plain_http": bool(connection.plain_http_host),
        "school_id": link.school_id_typed,
    }
