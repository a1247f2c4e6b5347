"""OneRoster 1.2: a user has `roles`, each at an org, and a primary org."""

from urllib.parse import quote, unquote

from homeroom.oneroster import records as r
from homeroom.oneroster.endpoints import V1P2
from homeroom.oneroster.shapes import KINDS, WRITERS, Json, boolean, common, ref, refs, said
from homeroom.oneroster.words import WORD_FIELDS, extended, words

# 1.1's administrator has no single heir; a site's administrator claims least.
ROLE_1P2 = {"administrator": "siteAdministrator"}


def write(record: r.Record) -> Json:
    """A record as 1.2 JSON, hrefs still relative."""
    if isinstance(record, r.User):
        return write_user(record)
    written: Json = WRITERS[type(record)](record)
    kind = KINDS[type(record)]
    field = WORD_FIELDS.get(kind, "")
    if field in written:
        written[field] = extended(written[field], words(V1P2, kind, field))
    return written


_PROFILE = "urn:x-oneroster:profile:"  # a profileId is a URI, a sourcedId is none


def profile_id(sourced_id: str) -> str:
    """The profileId of a profile with a sourcedId, which the standard wants to be a URI; empty for none."""
    return _PROFILE + quote(sourced_id, safe="/@") if sourced_id else ""


def sourced_id_of(profile: str) -> str:
    """The sourcedId of the profile with a profileId of ours."""
    return unquote(profile.removeprefix(_PROFILE))


def write_profile(profile: r.UserProfile) -> Json:
    """One entry of `userProfiles`. It never holds a password."""
    credential = said(type=profile.credential_type, username=profile.username)
    return {
        "profileId": profile_id(profile.sourced_id),
        "profileType": profile.profile_type,
        "vendorId": profile.vendor_id,
        **said(applicationId=profile.application_id, description=profile.description),
        **({"credentials": [credential]} if len(credential) == 2 else {}),
    }


def role_word(said: str) -> str:
    """A role as 1.2 says it."""
    return extended(ROLE_1P2.get(said, said), words(V1P2, "roles", "role"))


def write_role(role: r.Role) -> Json:
    """One entry of `roles`."""
    return {
        "roleType": "primary" if role.role_type == "primary" else "secondary",
        "role": role_word(role.role),
        "org": ref(role.org, "org"),
        **said(userProfile=profile_id(role.user_profile), beginDate=role.begin_date, endDate=role.end_date),
    }


def write_user(user: r.User) -> Json:
    """A user as 1.2 JSON."""
    return {
        **common(user),
        **said(
            userMasterIdentifier=user.user_master_identifier,
            username=user.username,
            userIds=[{"type": i.type or "local", "identifier": i.identifier} for i in user.user_ids],
        ),
        "enabledUser": boolean(user.enabled),
        "givenName": user.given_name,
        "familyName": user.family_name,
        **said(
            middleName=user.middle_name,
            preferredFirstName=user.preferred_given_name,
            preferredMiddleName=user.preferred_middle_name,
            preferredLastName=user.preferred_family_name,
            pronouns=user.pronouns,
        ),
        "roles": [write_role(role) for role in user.roles],
        **said(
            userProfiles=[write_profile(profile) for profile in user.profiles],
            primaryOrg=ref(user.primary_org, "org") if user.primary_org else None,
            identifier=user.identifier,
            email=user.email,
            sms=user.sms,
            phone=user.phone,
            agents=refs(user.agents, "user"),
            grades=list(user.grades),
        ),
    }
