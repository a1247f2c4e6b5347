"""Which switch of an SIS probably hides what is missing. Said of those systems only of which something is known."""

from collections.abc import Mapping

_ANY = {
    "schools": "Which schools an app sees is chosen where its key is made.",
    "people": "Which people an app sees is chosen where its key is made.",
    "staff": "Staff may need to be shared by a switch of their own.",
    "guardians": "Guardians are often shared by a switch of their own, or not at all.",
    "emails": "The SIS may keep e-mail addresses in a field that is not shared.",
    "numbers": "The SIS may keep student numbers in a field that is not shared.",
}
SWITCHES: Mapping[str, Mapping[str, str]] = {
    "skyward": {
        "people": "The secured user must be Active.",
        "guardians": "Skyward is said to send guardians only of students who are active this year or next.",
    },
    "infinite_campus": {
        "schools": "The schools are chosen on the OneRoster connection (Digital Learning Applications Configuration).",
        "people": "A 1.1 connection leaves out people without a portal account, and shows the active school year alone.",
        "guardians": "In a 1.1 connection guardians come only while Grade Book sync is on for it; in 1.2, those whose relationship has "
        "the Portal box ticked.",
    },
    "powerschool": {
        "people": "The plugin's Data Provider Configuration decides which schools and people are sent.",
        "emails": "PowerSchool keeps e-mail addresses in fields that differ by district; the plugin's settings name the field.",
    },
    "aeries": {
        "people": "Each school year is a database of its own: the API may still point at last year's.",
        "guardians": "Aeries is not known to send guardians over OneRoster.",
    },
    "classlink": {
        "schools": "The sharing rules of the app in Roster Server decide which schools it sees.",
        "people": "ClassLink sends only people who are in a class, unless Unenrolled Users is on for the app.",
        "staff": "ClassLink sends only people who are in a class, unless Unenrolled Users is on for the app.",
        "guardians": "ClassLink is not known to send guardians.",
    },
    "genesis": {"emails": "Genesis wants every member of staff to have an e-mail address."},
    "focus": {
        "staff": "Teacher profiles are always sent, administrator profiles only if they are ticked for the app; of several "
        "profiles the highest alone.",
    },
    "ed_fi": {
        "schools": "A token without an education organisation is answered with empty lists: claims of the key decide.",
        "people": "A token without an education organisation is answered with empty lists: claims of the key decide.",
        "guardians": "Ed-Fi sends parents, but links them to no student.",
    },
    "csv": {
        "people": "Export the people of this school too: each user names it in orgSourcedIds (1.1), or in roles.csv (1.2).",
        "staff": "Export the staff of this school too, each with a role in users.csv (1.1) or roles.csv (1.2).",
        "guardians": "Export guardians as users, each named in agentSourcedIds of the student.",
        "emails": "Let the export fill in the column email of users.csv.",
        "numbers": "Let the export fill in the column identifier of users.csv.",
    },
    "edsembli": {"people": "The vendor's user must be active."},
}


def switch_for(sis: str, what: str) -> str:
    """Where to look, in a sentence, at a SIS or in a set (csv), when something is missing: schools, people, staff, guardians,
    emails or numbers."""
    return SWITCHES.get(sis, {}).get(what) or _ANY.get(what, "")
