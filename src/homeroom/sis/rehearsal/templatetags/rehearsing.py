"""What the banner of every page needs: who is being rehearsed."""

from django import template
from django.db.models import QuerySet

from homeroom.sis.rehearsal.models import Rehearsal

register = template.Library()


@register.simple_tag
def rehearsals() -> QuerySet[Rehearsal]:
    """The rehearsals that are on, by the name of their secured user."""
    return Rehearsal.objects.select_related("secured_user").order_by("secured_user__name")
