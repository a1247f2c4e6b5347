"""What each SIS calls the four things the set-up page asks for, and where its administrator finds them."""

from dataclasses import dataclass

from homeroom.campus.connections.models import Sis


@dataclass(frozen=True, slots=True)
class Guide:
    """Where to look: the address and the credentials, an address as an example, and what to mind."""

    where: str
    example: str = "https://sis.example/ims/oneroster/v1p1"
    mind: str = ""


GUIDES = {
    Sis.SKYWARD: Guide(
        "URL: Product Setup > Contact Access > District Setup > Configuration > API Configuration, “OneRoster API URL”. "
        "API Key and Client Secret: Product Setup > Contact Access > Security > Secured User, highlight the app, press API, "
        "then Generate a New Secret.",
        "https://skyward.example/API/ims/oneroster/v1p1",
        "The secured user must be Active and needs no other permission. Generating again ends the old secret.",
    ),
    Sis.INFINITE_CAMPUS: Guide(
        "System Settings > Digital Learning Applications Configuration: add the app; Key, Secret, OneRoster URL and Token URL are shown.",
        "https://district.infinitecampus.example/campus/api/oneroster/v1p2/district/ims/oneroster",
        "Which schools and people the app sees is chosen there too.",
    ),
    Sis.POWERSCHOOL: Guide(
        "System > System Settings > Plugin Management: install the app's plugin; Data Provider Configuration shows Client ID and Secret.",
        "https://district.powerschool.example/ws/oneroster/v1p1",
        "API Key is the Client ID.",
    ),
    Sis.AERIES: Guide(
        "API Security: add the app with OneRoster; the page shows Client ID and Client Secret.",
        "https://district.aeries.example/OneRoster/ims/oneroster/v1p1",
        "API Key is the Client ID.",
    ),
    Sis.CLASSLINK: Guide(
        "Roster Server > Apps: open the app's share; its OneRoster page shows endpoint, Client ID and Secret.",
        "https://district.rosterserver.example/ims/oneroster/v1p1",
        "ClassLink signs with OAuth 1.0a; nothing to choose here.",
    ),
}
ANY = Guide(
    "Ask whoever administers the SIS for its OneRoster API: the URL, and an API Key with its Client Secret made for this app. "
    "In Skyward: Security > Secured User, button API, Generate a New Secret; the URL is on API Configuration.",
)


def guide_for(sis: str) -> Guide:
    """The guide of an SIS; the general one where there is none of its own."""
    return GUIDES.get(Sis(sis), ANY) if sis in Sis.values else ANY
