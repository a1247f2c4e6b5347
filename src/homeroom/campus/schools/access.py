"""Who may do what: the one gate that every page and every command goes through.

A Manager sees the people of a school. Only an Owner of it or a District Manager of its district sees rostering. Whoever has
no right at a school is told that it does not exist.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone

from homeroom.campus.schools.models import Role, School
from homeroom.web.accounts.models import Account

P = ParamSpec("P")
Visitor = Account | AnonymousUser
PEOPLE = (Role.MANAGER, Role.OWNER, Role.DISTRICT_MANAGER)
ROSTERING = (Role.OWNER, Role.DISTRICT_MANAGER)


def schools_of(account: Visitor, roles: tuple[Role, ...] = PEOPLE) -> QuerySet[School]:
    """The schools at which an account has one of the roles."""
    if not account.is_authenticated or not account.is_active:
        return School.objects.none()
    own = Q(
        grants__account=account, grants__role__in=[role for role in roles if role != Role.DISTRICT_MANAGER]
    )
    district = Q(district__grants__account=account, district__grants__role=Role.DISTRICT_MANAGER)
    return School.objects.filter((own | district) if Role.DISTRICT_MANAGER in roles else own).distinct()


def school_for(account: Visitor, school_id: int, roles: tuple[Role, ...]) -> School:
    """The school, for an account that has one of the roles there. Raises `Http404` for everybody else."""
    school = schools_of(account, roles).select_related("district").filter(pk=school_id).first()
    if school is None:
        raise Http404("There is no such school, or you have no part in it.")
    return school


class SchoolRequest(HttpRequest):
    """A request by somebody who has a part in `school`; `may_roster` tells whether rostering is shown to them."""

    user: Account
    school: School
    may_roster: bool


SchoolView = Callable[Concatenate[SchoolRequest, P], HttpResponse]
Page = Callable[..., HttpResponse]


def at_school(roles: tuple[Role, ...]) -> Callable[[SchoolView[P]], Page]:
    """A page of one school, for those who have one of the roles there. Its times are the school's own."""

    def gate(view: SchoolView[P]) -> Page:
        @login_required
        @wraps(view)
        def page(request: HttpRequest, school_id: int, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            let_in = _let_in(request, school_id, roles)
            with timezone.override(ZoneInfo(let_in.school.time_zone)):
                return view(let_in, *args, **kwargs)

        return page

    return gate


def _let_in(request: HttpRequest, school_id: int, roles: tuple[Role, ...]) -> SchoolRequest:
    request.school = school_for(request.user, school_id, roles)  # type: ignore[attr-defined] # what SchoolRequest adds
    request.may_roster = schools_of(request.user, ROSTERING).filter(pk=school_id).exists()  # type: ignore[attr-defined]
    return request  # type: ignore[return-value]
