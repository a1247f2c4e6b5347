"""A problem: one thing that is wrong with what came in, said once so that a person can cure it.

A bad row is a value, never an exception. Every problem has a stable code; what the code means, what Homeroom did
about it and how to cure it stand in one table here, which `docs/problems.md` shows. A message never holds a name,
an e-mail or any other personal value: it points at the record by its id.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """What one code means: the sentence shown, what Homeroom did, and who can cure it how."""

    meaning: str
    effect: str
    cure: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault. `where` is an endpoint ("users") or a file ("users.csv"), `row` a line of that file (header = 1)."""

    code: str
    where: str
    sourced_id: str | None = None
    field: str | None = None
    row: int | None = None
    detail: str = ""

    @property
    def message(self) -> str:
        """The sentence for people: what is wrong and what was done about it."""
        kind = KINDS[self.code]
        said = f"{kind.meaning} ({self.detail})" if self.detail else kind.meaning
        return f"{said}. {kind.effect}."

    @property
    def cure(self) -> str:
        """What to do next, and who can."""
        return KINDS[self.code].cure


_SIS = "The SIS's administrator corrects the record there; the next sync takes it in"
_FILE = "Correct the export, or the file by hand, and load it again"

KINDS: dict[str, Kind] = {
    # What a server's records may have.
    "not_json": Kind("A record is not JSON", "It was left out", _SIS),
    "not_an_object": Kind("A record is not a JSON object", "It was left out", _SIS),
    "missing_id": Kind(
        "A record has no sourcedId", "It was left out, since nothing could tell it apart", _SIS
    ),
    "missing_name": Kind("A person has neither given nor family name", "The person was left out", _SIS),
    "no_role": Kind("A person has no role at any school", "The person was left out", _SIS),
    "unknown_role": Kind(
        "A person has a role that the standard does not know",
        "The role grants nothing here",
        "The SIS's administrator gives the person a standard role, if the person belongs in the app",
    ),
    "unknown_grade": Kind(
        "A grade is not in the standard's list",
        "It is shown as it came",
        "Nothing, if your school uses this grade",
    ),
    "reference_without_id": Kind(
        "A record points at another without naming its sourcedId", "The pointer was ignored", _SIS
    ),
    "repeated_id": Kind(
        "A sourcedId came twice in one reading",
        "The first record counts, and nobody is archived from this reading",
        "If it happens again, the SIS's administrator looks for two records with this id",
    ),
    # What the match and the families may have.
    "ambiguous_match": Kind(
        "A record fits more than one person of the directory",
        "Nothing was done with it",
        "Open both people and correct the number or e-mail of the one that has somebody else's",
    ),
    "shared_email": Kind(
        "Two people of the SIS share an e-mail address",
        "They were kept apart, and the address was not used to recognise anybody",
        "The registrar gives each person an address of their own, if they should have one",
    ),
    "shared_number": Kind(
        "Two people of one school share a student or staff number",
        "They were kept apart, and the number was not used to recognise the second one",
        "The registrar gives each person a number of their own; if it is one person twice, the second record is taken out",
    ),
    "dangling_agent": Kind(
        "A student names a guardian whom the SIS does not send",
        "The link was ignored",
        "The SIS's administrator shares guardians with this app, or takes the link away",
    ),
    "agent_not_guardian": Kind(
        "A student names as guardian somebody who is no guardian",
        "The link was ignored",
        "The SIS's administrator corrects the link or the role",
    ),
    "many_guardians": Kind(
        "A student has six or more guardians",
        "All were taken in; please look at them",
        "The registrar checks whether emergency contacts are being sent as guardians",
    ),
    # What a CSV file may have.
    "file_name": Kind(
        "A file has a name that the standard does not know", "It was read as what its name begins with", _FILE
    ),
    "missing_manifest": Kind("There is no manifest.csv", "The version was told from the headers", _FILE),
    "manifest_property": Kind(
        "manifest.csv does not say how a file is to be read", "The file was read as bulk", _FILE
    ),
    "manifest_file": Kind("manifest.csv and the files disagree", "The files that are there were read", _FILE),
    "missing_file": Kind("A file that the standard wants is not there", "The rest was read", _FILE),
    "header_order": Kind("The columns are not in the standard's order", "They were read by name", _FILE),
    "header_missing": Kind("A column that the standard wants is not there", "It was read as empty", _FILE),
    "header_unknown": Kind("A column is not in the standard", "It was ignored", _FILE),
    "row_width": Kind("A row has not as many cells as the header", "The row was left out", _FILE),
    "missing_value": Kind("A cell that must be filled is empty", "The row was read without it", _FILE),
    "bulk_dates": Kind(
        "A bulk row has a status or a date, which belong to delta rows", "The row was read as bulk", _FILE
    ),
    "delta_dates": Kind(
        "A delta row has no status or no date", "The row was read as active and changed now", _FILE
    ),
    "bad_value": Kind(
        "A cell holds a value that the standard does not allow there", "It was read as far as it goes", _FILE
    ),
    "bad_id": Kind(
        "A sourcedId has characters that the standard does not allow, or is too long",
        "It was kept as it is",
        _FILE,
    ),
    "user_id_form": Kind(
        "A userIds cell is not in the form {type:id}", "It was read as one id without a type", _FILE
    ),
    "duplicate_id": Kind("A sourcedId stands twice in a file", "The last row counts", _FILE),
    "dangling_reference": Kind("A row names something that is in no file", "The row was kept", _FILE),
    "missing_org": Kind(
        "Rows name a school that is in no orgs file",
        "A school with that id as its name was made, so that its people can be served",
        "Add the school to orgs.csv and load again",
    ),
    "one_way_agent": Kind(
        "Students name guardians who do not name them back",
        "The links were completed in both directions",
        _FILE,
    ),
}
