"""OneRoster 1.2: a user has `roles`, each at an org, and a primary org."""

from homeroom.oneroster import records as r
from homeroom.oneroster.shapes import WRITERS, Json, boolean, common, ref, refs, said

# 1.1's administrator has no single heir; a site's administrator claims least.
ROLE_1P2 = {"administrator": "siteAdministrator"}


def write(record: r.Record) -> Json:
    """A record as 1.2 JSON, hrefs still relative."""
    if isinstance(record, r.User):
        return write_user(record)
    written: Json = WRITERS[type(record)](record)
    return written


def write_role(role: r.Role) -> Json:
    """One entry of `roles`."""
    return {
        "roleType": role.role_type,
        "role": ROLE_1P2.get(role.role, role.role),
        "org": ref(role.org, "org"),
        **said(userProfile=role.user_profile, beginDate=role.begin_date, endDate=role.end_date),
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
            primaryOrg=ref(user.primary_org, "org") if user.primary_org else None,
            identifier=user.identifier,
            email=user.email,
            sms=user.sms,
            phone=user.phone,
            agents=refs(user.agents, "user"),
            grades=list(user.grades),
        ),
    }
