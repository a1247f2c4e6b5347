"""What each SIS calls the things that the set-up page asks for, and where its administrator finds them.

Said only of what set-up guides say in public; where nothing is known, the general guide stands.
"""

from dataclasses import dataclass

from homeroom.campus.connections.models import Sis


@dataclass(frozen=True, slots=True)
class Guide:
    """Where to look, an address as an example, and what to mind; and how the SIS calls the fields, where it has words of its own.

    `needs_token_url` = the token URL cannot be guessed from the other address.
    """

    where: str
    example: str = "https://sis.example/ims/oneroster/v1p1"
    mind: str = ""
    key: str = ""
    secret: str = ""
    school_id: str = ""
    needs_token_url: bool = False

    @property
    def labels(self) -> dict[str, str]:
        """The fields of the form by their names, with what this SIS calls them."""
        return {
            "key": f"API Key ({self.key})" if self.key else "API Key",
            "secret": f"Client Secret ({self.secret})" if self.secret else "Client Secret",
        }


_BY_REQUEST = "The URL, a key and a secret are handed out by the vendor: ask its support for OneRoster API access for this app."
GUIDES = {
    Sis.SKYWARD: Guide(
        "URL: Product Setup > Contact Access > District Setup > Configuration > API Configuration, “OneRoster API URL”. "
        "API Key and Client Secret: Product Setup > Contact Access > Security > Secured User, highlight the app, press API, "
        "then Generate a New Secret.",
        "https://skyward.example/API/ims/oneroster/v1p1",
        "The secured user must be Active and needs no other permission. Generating again ends the old secret. If no token address is "
        "found, ask for the token URL and enter it too.",
        key="Key",
        secret="Secret",  # noqa: S106 # the word on their screen
        needs_token_url=True,
    ),
    Sis.SKYWARD_QMLATIV: Guide(
        "The app's integration in Qmlativ shows key and secret; it must be Available and granted for the environment.",
        "https://district.skyward.example/ims/oneroster/v1p2",
        "The token URL holds the integration key (…/{key}/oauth/token): enter it under Token URL.",
        needs_token_url=True,
    ),
    Sis.INFINITE_CAMPUS: Guide(
        "System Settings > Digital Learning Applications Configuration: add the app; Key, Secret, OneRoster URL and Token URL are shown.",
        "https://district.infinitecampus.example/campus/api/oneroster/v1p2/app/ims/oneroster/rostering/v1p2",
        "Copy the Token URL whole: its ?appName= counts. Which schools and people the app sees is chosen there too. A 1.1 "
        "connection signs its requests and lapses after a year.",
        needs_token_url=True,
    ),
    Sis.POWERSCHOOL: Guide(
        "System > System Settings > Plugin Management: install the app's plugin; Data Provider Configuration shows Client ID and Secret.",
        "https://district.powerschool.example/api/ims/oneroster/v1p1",
        "Installing or enabling the plugin again makes a new secret. The page limit is set there as well: 1,000 is a good one.",
        key="Client ID",
    ),
    Sis.AERIES: Guide(
        "API Security: add the app with OneRoster; the page shows Client ID and Client Secret.",
        "https://district.aeries.example/aeries",
        "Each school year is a database of its own: the address must be that of this year's.",
        key="Client ID",
        school_id="The school code, such as 994",
    ),
    Sis.CLASSLINK: Guide(
        "Roster Server > Apps: open the app's share; its OneRoster page shows endpoint, Client ID and Secret. By the proxy: the address "
        "with the application's id, and the bearer as Client Secret.",
        "https://district-v2.oneroster.example",
        "ClassLink signs each request (OAuth 1.0a); nothing to choose here. Sharing rules decide who is seen.",
        key="Client ID",
        secret="Secret, or the bearer of the proxy",  # noqa: S106
    ),
    Sis.SYNERGY: Guide(
        "Ask for the OneRoster API of Synergy: it names an API URL and a token endpoint, with Client ID and Client Secret.",
        "https://synergy.example/ims/oneroster/v1p1",
        "API URL and token endpoint are two addresses: enter both.",
        key="Client ID",
        needs_token_url=True,
    ),
    Sis.GENESIS: Guide(
        "Ask whoever administers Genesis for the OneRoster API with a key and secret for this app.",
        "https://district.genesis.example/genesis/ims/oneroster/v1p1/",
    ),
    Sis.BLACKBAUD: Guide(
        "Ask whoever administers the Education Management system for OneRoster credentials of this app.",
        "https://api.sky.blackbaud.com/afe-rostr/ims/oneroster/v1p1/",
        "All schools share this address; the key says which one it is. Tokens come from a host of their own, which is found by itself.",
    ),
    Sis.FOCUS: Guide(
        "Third Party Systems: a record for this app; the profiles ticked there decide who is sent. The site's own API pages are at "
        "…/focus/api/docs.",
        "https://district.focus.example/focus",
    ),
    Sis.ED_FI: Guide(
        "Ask whoever runs the Ed-Fi OneRoster service for its address, the token URL of its identity provider, client id and secret.",
        "https://oneroster.example/tenant/2026/ims/oneroster/rostering/v1p2",
        "School IDs cannot be known by heart here: choose the school from the list after the first test.",
        key="client id",
        needs_token_url=True,
    ),
    Sis.SCHOOLTOOL: Guide(
        "Ask the regional information center for the OneRoster API of SchoolTool with a key and secret for this app.",
        "https://district.schooltool.example/STAPIService/ims/oneroster/v1p1",
    ),
    Sis.ASPEN: Guide(
        "Admin > Security: an OAuth client for this app, tied to a user whose roles decide what it sees.",
        "https://district.aspen.example/ims/oneroster/v1p1",
    ),
    Sis.FACTS: Guide(_BY_REQUEST),
    Sis.ESCHOOLDATA: Guide(_BY_REQUEST),
    Sis.SAPPHIRE: Guide(_BY_REQUEST),
}
ANY = Guide(
    "Ask whoever administers the SIS for its OneRoster API: the URL, and an API Key with its Client Secret made for this app. "
    "In Skyward: Security > Secured User, button API, Generate a New Secret; the URL is on API Configuration.",
)


def guide_for(sis: str) -> Guide:
    """The guide of an SIS; the general one where there is none of its own."""
    return GUIDES.get(Sis(sis), ANY) if sis in Sis.values else ANY
