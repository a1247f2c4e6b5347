"""Giving an account its role at a school or district."""

from homeroom.campus.schools.models import District, Grant, Role, School
from homeroom.web.accounts.models import Account


def grant(email: str, role: str, *, school: School | None = None, district: str = "") -> Account:
    """The account of an e-mail address, made when it is not there, with the role. Given twice, it is given once."""
    account = Account.objects.filter(email=email.lower()).first() or Account.objects.create_user(email)
    home = school.district if school is not None else District.objects.get_or_create(name=district)[0]
    place = school if Role(role) != Role.DISTRICT_MANAGER else None
    Grant.objects.get_or_create(account=account, role=role, district=home, school=place)
    return account
