"""A problem: one thing that is wrong with what came in, said once so that a person can cure it.

A bad row is a value, never an exception. Every problem has a stable code; what the code means, what Homeroom did
about it and how to cure it stand in one table here, which `docs/problems.md` shows. A message never holds a name,
an e-mail or any other personal value: it points at the record by its id.
"""

from dataclasses import dataclass

ERROR, WARNING, NOTE = "error", "warning", "note"


@dataclass(frozen=True, slots=True)
class Kind:
    """What one code means: the sentence shown, what Homeroom did, and who can cure it how.

    An error costs data, a warning is against the standard and costs nothing, a note is against nothing and good to know.
    """

    meaning: str
    effect: str
    cure: str
    severity: str = ERROR


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
    def fault(self) -> str:
        """What is wrong, for people, without a full stop."""
        meaning = KINDS[self.code].meaning
        return f"{meaning} ({self.detail})" if self.detail else meaning

    @property
    def message(self) -> str:
        """The sentences for people: what is wrong and what was done about it."""
        return f"{self.fault}. {KINDS[self.code].effect}."

    @property
    def severity(self) -> str:
        """How much it costs: error, warning or note."""
        return KINDS[self.code].severity

    @property
    def cure(self) -> str:
        """What to do next, and who can."""
        return KINDS[self.code].cure


_SIS = "The SIS's administrator corrects the record there; the next sync takes it in"

KINDS: dict[str, Kind] = {
    # What a server's records may have.
    "not_json": Kind("A record is not JSON", "It was left out", _SIS),
    "not_an_object": Kind("A record is not a JSON object", "It was left out", _SIS),
    "missing_id": Kind(
        "A record has no sourcedId",
        "It was left out; since it may be anybody's, a sync archives nobody from such a reading",
        "The SIS's administrator gives it one; the next sync or load takes it in",
    ),
    "missing_name": Kind(
        "A person has neither given nor family name", "Nobody new was taken in; whoever was here stays", _SIS
    ),
    "no_role": Kind("A person has no role at any school", "The person was left out", _SIS),
    "unsaid_role": Kind(
        "A record does not say which role somebody has at which school",
        "Nobody new was taken in; whoever was here stays as they were",
        _SIS,
    ),
    "unknown_role": Kind(
        "A person has a role that the standard does not know",
        "The role grants nothing here",
        "The SIS's administrator gives the person a standard role, if the person belongs in the app",
    ),
    "unknown_grade": Kind(
        "A grade is not in the standard's list",
        "It is shown as it came",
        "Nothing, if your school uses this grade",
        NOTE,
    ),
    "bent_value": Kind(
        "A value has another form than the standard's",
        "It was understood all the same",
        "Nothing; the SIS's administrator may tell its vendor",
        WARNING,
    ),
    "lost_value": Kind("A value is of a kind that means nothing there", "It was taken as not said", _SIS),
    "long_value": Kind("A text is longer than Homeroom keeps", "It was cut", _SIS),
    "odd_text": Kind("A text holds characters that no text may hold", "They were left out or replaced", _SIS),
    "unreadable_date": Kind(
        "A date is not one that can be read",
        "It was taken as not said: a role with it neither waits nor ends, a birth date is no sign",
        _SIS,
    ),
    "unknown_status": Kind(
        "A record has a status that the standard does not know",
        "The record was taken as active",
        _SIS,
        WARNING,
    ),
    "long_id": Kind(
        "A sourcedId is longer than 255 characters",
        "The record was left out; since it may be anybody's, nobody is archived from this reading",
        _SIS,
    ),
    "record_too_large": Kind("A record is larger than 1 MB", "It was left out", _SIS),
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
        "A record might mean somebody who is here already, and only a person can tell",
        "Nothing was done with it",
        "An Owner or District Manager says under Rostering > Review whether it is the same person; "
        "or the registrar corrects the number or e-mail of whoever has somebody else's",
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
    "restricted_contact": Kind(
        "A student names a guardian whom the SIS marks as restricted",
        "The guardian was not taken in as a contact; where they were one, they are no longer linked",
        "Nothing, if the mark is right; else the registrar takes it away",
        NOTE,
    ),
    "many_guardians": Kind(
        "A student has six or more guardians",
        "All were taken in; please look at them",
        "The registrar checks whether emergency contacts are being sent as guardians",
    ),
    # What birth dates may have, where a school lets them help.
    "births_refused": Kind(
        "The SIS does not let our key read birth dates",
        "None was read, and they are no sign; everything else went on",
        "The SIS's administrator allows demographics for our key (scope roster-demographics.readonly), "
        "or an Owner switches the help of birth dates off under Sync Settings",
    ),
    "births_not_served": Kind(
        "The SIS has no birth dates for us",
        "They are no sign; everything else went on",
        "The SIS's administrator shares demographics with their birth dates, "
        "or an Owner switches the help of birth dates off under Sync Settings",
    ),
    "births_unread": Kind(
        "Not all birth dates could be read",
        "Those that came are used; the next sync asks for the others, and everything else went on",
        "Nothing, if it was once; otherwise the SIS's administrator looks why demographics fail",
    ),
    # What a CSV set may have: its files.
    "extra_file": Kind(
        "A file does not belong to the set", "It was not read", "Take it out, or give it the standard's name"
    ),
    "file_name": Kind(
        "A file has a name that the standard does not know",
        "It was read as what its name begins with",
        "Name it as the standard does, such as users.csv",
        WARNING,
    ),
    "file_twice": Kind(
        "A file is there twice", "The one nearer the top was read", "Take out the one that is too old"
    ),
    "in_folder": Kind(
        "A file lies in a folder inside the set",
        "It was read all the same",
        "Put all files at the top of the zip, without a folder",
        WARNING,
    ),
    "missing_manifest": Kind(
        "There is no manifest.csv",
        "The version was told from the headers",
        "Add the manifest.csv that 1.1 and 1.2 want; sets of 1.0 had none",
        WARNING,
    ),
    "manifest_property": Kind(
        "A property of manifest.csv is not as the standard wants it",
        "A file whose property is missing was read as bulk",
        "Correct the row, or add it: propertyName,value",
        WARNING,
    ),
    "manifest_file": Kind(
        "manifest.csv and the files disagree",
        "The files that are there were read, those called absent as changes",
        "Say bulk, delta or absent in manifest.csv as it is, or add the file",
    ),
    "missing_file": Kind(
        "A file that others stand on is not there",
        "The rest was read",
        "Export this file too, in the same set",
    ),
    "smallest_set": Kind(
        "The standard's smallest rostering set has more files",
        "Those that are there were read",
        "Export these too, if whoever reads the set wants them",
        NOTE,
    ),
    # What a CSV file may have: its header, and how its rows are written.
    "no_header": Kind(
        "A file has not the header of its kind",
        "It was not read",
        "Let the first row name the columns of the standard",
    ),
    "no_rows": Kind(
        "A file has a header and no rows",
        "Nothing was changed by it",
        "Leave the file out, and call it absent in manifest.csv",
        WARNING,
    ),
    "header_order": Kind(
        "The columns are not in the standard's order",
        "They were read by name",
        "Put the columns in that order",
        WARNING,
    ),
    "header_missing": Kind(
        "A column that the standard wants is not there",
        "It was read as empty",
        "Add the column, filled or empty",
    ),
    "header_unknown": Kind(
        "A column is not in the standard",
        "It was ignored",
        "Take it out, or name it metadata.something and put it last",
    ),
    "header_name": Kind(
        "A column is not named exactly as in the standard",
        "It was read as the column that it means",
        "Write the name as the standard does, with its capitals",
        WARNING,
    ),
    "header_twice": Kind(
        "A column is there twice", "The first one was read", "Take out the one that is too many"
    ),
    "header_before": Kind(
        "The header is that of 1.2 before its correction 1.2.1",
        "It was read as that",
        "Take the column out when the export is next changed",
        NOTE,
    ),
    "metadata_place": Kind(
        "A metadata column stands before a column of the standard",
        "It was read all the same",
        "Put the metadata columns last",
        WARNING,
    ),
    "empty_row": Kind("A row is empty", "It was passed over", "Take the row out", WARNING),
    "row_width": Kind(
        "A row has not as many cells as the header",
        "The row was left out",
        "Write a cell for each column; one with a comma in it stands in double quotes",
    ),
    "line_break": Kind(
        "A cell has a line break in it",
        "It was read as a blank",
        "Take the line break out; the standard allows none",
        WARNING,
    ),
    "line_end": Kind(
        "A row ends in a lone carriage return",
        "It was read as the end of the row",
        "End rows in CRLF or LF",
        WARNING,
    ),
    "bad_quoting": Kind(
        "A double quote stands where none may",
        "The row was read as far as it goes",
        'Put the whole cell in double quotes, and write "" for each one inside',
    ),
    "nul": Kind("A cell has a NUL in it", "It was taken out", "Take it out of the export", WARNING),
    "not_utf8": Kind(
        "A cell has characters that are not UTF-8",
        "Each was read as a replacement mark",
        "Export as UTF-8, not as Windows or Latin text",
    ),
    # What a row may have.
    "missing_value": Kind(
        "A cell that must be filled is empty",
        "The row was read without it",
        "Fill the cell in the SIS or the export",
    ),
    "bulk_dates": Kind(
        "A bulk row has a status or a date, which belong to delta rows",
        "A file whose rows are all dated was read as changes, else as bulk",
        "Leave status and dateLastModified empty, or call the file delta in manifest.csv",
        WARNING,
    ),
    "delta_dates": Kind(
        "A delta row has no status or no date",
        "The row was read as active and changed now",
        "Fill status and dateLastModified, or call the file bulk in manifest.csv",
        WARNING,
    ),
    "bad_value": Kind(
        "A cell holds a value that the standard does not allow there",
        "It was read as far as it goes",
        "Write it as the standard does; capitals count",
        WARNING,
    ),
    "bad_id": Kind(
        "An id has characters that the standard does not allow, or is too long",
        "It was kept as it is; a row whose own id is longer than 255 characters was left out, and so was a reference that long",
        "Give it an id of allowed characters, everywhere it is named",
        WARNING,
    ),
    "user_id_form": Kind(
        "A userIds cell is not in the form {type:id}",
        "It was read as one id without a type",
        "Write {type:id}, several with commas between them",
        WARNING,
    ),
    "subject_codes": Kind(
        "There are not as many subjectCodes as subjects",
        "Both were kept as they are",
        "Give a code for each subject, in the same order",
        WARNING,
    ),
    "password": Kind(
        "The file has passwords in it",
        "None was read",
        "Leave the column empty; whoever sees the file sees them",
        NOTE,
    ),
    # What rows may have between them.
    "duplicate_id": Kind(
        "A sourcedId stands twice in a file", "The last row counts", "Give each row a sourcedId of its own"
    ),
    "dangling_reference": Kind(
        "A row names something that is not there",
        "The row was kept",
        "Add what it names to its file, or correct the id",
        WARNING,
    ),
    "not_in_set": Kind(
        "A delta row names something that is not in this set",
        "That is well when its reader knows it already",
        "Nothing, if an earlier set had it",
        NOTE,
    ),
    "wrong_type": Kind(
        "A row names an org or a session of another type than it must be",
        "The row was kept",
        "Name one of that type, or correct its type",
        WARNING,
    ),
    "two_primaries": Kind(
        "A user has more than one primary role at an org",
        "All roles were kept",
        "Let one role be primary there and the others secondary",
        WARNING,
    ),
    "no_primary": Kind(
        "A user has a secondary role at an org and no primary one",
        "The role was kept",
        "Let one role of the user be primary there",
        NOTE,
    ),
    "primary_org": Kind(
        "A user's primaryOrg is an org at which the user has no role",
        "It was kept",
        "Give the user a role there, or name another org",
        WARNING,
    ),
    "profile_owner": Kind(
        "A role names the profile of another user",
        "The role was kept",
        "Name a profile of the role's own user",
        WARNING,
    ),
    "user_without_role": Kind(
        "A user has no row in roles.csv",
        "The user was kept, and is of no school",
        "Give the user a role at an org",
        NOTE,
    ),
    "delta_without_roles": Kind(
        "A set of changes has a person without the person's roles",
        "The person was left as known",
        "Export everybody (bulk), or each changed person's roles with the person",
        WARNING,
    ),
    "missing_org": Kind(
        "Rows name a school that is in no orgs file",
        "A school with that id as its name was made, so that its people can be served",
        "Add the school to orgs.csv and load again",
    ),
    "one_way_agent": Kind(
        "A user names an agent who does not name the user back",
        "The link was completed in both directions",
        "Let both rows name each other in agentSourcedIds",
        NOTE,
    ),
    "rows_lost": Kind(
        "Rows of a bulk file could not be read, so that it is no proof of who is gone",
        "Its good rows were taken in, and nothing that it leaves out was marked as deleted",
        "Correct the rows named above and load again",
    ),
}
