"""The set-up form of the method OneRoster CSV: where the set lies, and which school of it this is."""

from typing import Any

from django import forms

from homeroom.campus.connections import csv_upload
from homeroom.campus.connections.csv_place import NoSuchFolder, allowed_folder
from homeroom.campus.connections.csv_setup import Kind, TypedCsv, names_of
from homeroom.campus.connections.forms import PLAIN
from homeroom.campus.connections.models import CsvPlace, Method, RosterLink, Sis
from homeroom.campus.schools.models import District
from homeroom.oneroster.bulk.files import BulkError
from homeroom.sync.sources.sftp import BadKey, private_key

# What is asked for each place, besides what is asked for all.
FIELDS = {
    Kind.UPLOAD: ("upload",),
    Kind.FOLDER: ("folder",),
    Kind.SFTP: ("host", "port", "path", "username", "password", "private_key"),
}
_SECRET = {**PLAIN, "autocomplete": "new-password"}


class ManyFiles(forms.FileInput):
    """A field for several files at once."""

    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:  # noqa: ARG002 # Django names it
        """All of them."""
        return files.getlist(name) if hasattr(files, "getlist") else files.get(name)


class FilesField(forms.FileField):
    """One zip or several CSV files."""

    def clean(self, data: Any, initial: Any = None) -> Any:
        """A list of files, each of which is one."""
        return [super(FilesField, self).clean(one, initial) for one in data or ()]


class CsvForm(forms.Form):
    """The fields of one kind of place. `link` is the school's, if it was ever set up."""

    method = forms.ChoiceField(choices=Method.choices, label="Method")
    sis = forms.ChoiceField(choices=Sis.choices, label="SIS", initial=Sis.OTHER)
    enabled = forms.BooleanField(required=False, label="Enable automatic rostering")
    upload = FilesField(
        required=False,
        label="OneRoster CSV set",
        help_text="One zip, or all CSV files at once (users.csv, orgs.csv, manifest.csv, ...), together at most 512 MB",
        widget=ManyFiles({"accept": ".zip,.csv"}),
    )
    folder = forms.CharField(max_length=1000, label="Folder", widget=forms.TextInput(PLAIN))
    host = forms.CharField(max_length=255, label="Host", widget=forms.TextInput(PLAIN))
    port = forms.IntegerField(min_value=1, max_value=65535, initial=22, label="Port")
    path = forms.CharField(
        max_length=1000,
        required=False,
        label="Path",
        help_text="The folder with the CSV files or zips, or one zip",
        widget=forms.TextInput(PLAIN),
    )
    username = forms.CharField(max_length=255, label="User name", widget=forms.TextInput(PLAIN))
    password = forms.CharField(
        max_length=500, required=False, label="Password", widget=forms.PasswordInput(_SECRET)
    )
    private_key = forms.CharField(
        max_length=20_000,
        required=False,
        label="Private key",
        help_text="In place of a password: the whole file, without a passphrase",
        widget=forms.Textarea({**PLAIN, "rows": 3}),
    )
    school_id = forms.CharField(
        max_length=255,
        label="School ID",
        help_text="Which school of the set this is: its sourcedId, identifier or name in orgs.csv",
        widget=forms.TextInput(PLAIN),
    )
    whole = forms.BooleanField(
        required=False,
        label="Every export holds everybody",
        help_text="Only where the set has no manifest.csv that says bulk, or a date in every row, and you know that it is whole: "
        "then who is missing from it counts as gone",
    )

    def __init__(
        self, data: Any = None, files: Any = None, *, kind: str, link: RosterLink | None, district: District
    ) -> None:
        self.kind, self.district = Kind(kind), district
        self.place = CsvPlace.objects.filter(connection=link.connection_id).first() if link else None
        super().__init__(data, files, initial=_stored(link, self.place) if link else {})
        self.initial["method"] = Method.ONEROSTER_CSV
        for other in {name for names in FIELDS.values() for name in names} - set(FIELDS[self.kind]):
            del self.fields[other]

    def clean_folder(self) -> str:
        """One below the administrator's directory, or the one that the administrator named."""
        typed = str(self.cleaned_data["folder"]).strip()
        if self._is_the_administrators(typed):
            return typed
        try:
            allowed_folder(self.district, typed)
        except NoSuchFolder as wrong:
            raise forms.ValidationError(str(wrong)) from wrong
        return typed

    def _is_the_administrators(self, typed: str) -> bool:
        return self.place is not None and self.place.by_administrator and self.place.folder == typed

    def clean_private_key(self) -> str:
        """One that can be read."""
        text = str(self.cleaned_data["private_key"]).strip()
        try:
            if text:
                private_key(text)
        except BadKey as wrong:
            raise forms.ValidationError(str(wrong)) from wrong
        return text

    def clean(self) -> dict[str, Any]:
        """Needed are a set, the first time, and a secret, for each account."""
        said = super().clean() or {}
        if (
            self.kind == Kind.UPLOAD
            and not said.get("upload")
            and not (self.place and self.place.uploaded_at)
        ):
            self.add_error(
                "upload",
                "Choose the set: one zip, or all of its CSV files at once. It may have at most 512 MB.",
            )
        if self.kind == Kind.SFTP and not (
            said.get("password") or said.get("private_key") or self._has_secret(said)
        ):
            self.add_error("password", "Enter the password of this account, or its private key below.")
        return said

    def _has_secret(self, said: dict[str, Any]) -> bool:
        place = self.place
        stored = place is not None and (place.password or place.private_key)
        return bool(
            stored
            and place
            and (place.host, place.port, place.username)
            == (said.get("host"), said.get("port"), said.get("username"))
        )

    def typed(self) -> TypedCsv:
        """What was typed, for `csv_setup.save_csv`; an upload is packed. Raises `BulkError` when that is no set."""
        said = self.cleaned_data
        files: csv_upload.Files = said.get("upload") or []
        names = (
            "school_id",
            "sis",
            "whole",
            "folder",
            "host",
            "port",
            "username",
            "password",
            "private_key",
            "path",
        )
        return TypedCsv(
            kind=self.kind,
            **{name: said[name] for name in names if name in said},
            by_administrator=self._is_the_administrators(said.get("folder", "")),
            uploaded=csv_upload.packed(files) if files else None,
            uploaded_as=names_of(files) if files else (self.place.uploaded_as if self.place else ""),
        )

    def is_no_set(self, wrong: BulkError) -> None:
        """Says at the field why what was uploaded was not taken."""
        self.add_error("upload", f"{wrong} Nothing was kept of it.")


def _stored(link: RosterLink, place: CsvPlace | None) -> dict[str, Any]:
    own = (
        {name: getattr(place, name) for name in ("folder", "host", "port", "username", "path", "whole")}
        if place
        else {}
    )
    return {
        "sis": link.connection.sis,
        "enabled": link.connection.enabled,
        "school_id": link.school_id_typed,
        **own,
    }
