"""What every template of both sites may use."""

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, str]:  # noqa: ARG001
    """The site's own name, what it is for, and its templates of navigation and of what stands above every page."""
    return {
        "site_name": settings.SITE_NAME,
        "site_class": settings.SITE_CLASS,
        "site_purpose": settings.SITE_PURPOSE,
        "navigation": settings.NAVIGATION,
        "banner": settings.BANNER,
    }
