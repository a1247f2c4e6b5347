"""What is known of each SIS that orders the guesses of a probe. It orders them only: a wrong choice of SIS still connects.

Paths are those of public set-up guides and of clients in use; where nothing is known there is no row.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from homeroom.oneroster.endpoints import V1P1


@dataclass(frozen=True, slots=True)
class Preset:
    """Where one SIS keeps its API (before /ims/oneroster) and its tokens, and how it wants to be asked.

    `tokens` are paths of token addresses, "{prefix}" standing for what comes before /ims/oneroster and "{base}" for the whole
    base. `style` is how it wants a token asked for, `signed` the versions whose calls are signed with OAuth 1.0a.
    """

    prefixes: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    style: str = ""
    signed: tuple[str, ...] = ()


NONE = Preset()
PRESETS: Mapping[str, Preset] = {
    "skyward": Preset(("/api", "/API")),
    "skyward_qmlativ": Preset(),
    "infinite_campus": Preset(("/campus/api", "/campus"), ("/campus/oauth2/token",), signed=(V1P1,)),
    "powerschool": Preset(("/api", ""), ("/oauth/access_token", "{prefix}/oauth/access_token")),
    "aeries": Preset(("/aeries",), ("{prefix}/token", "/aeries/token")),
    "classlink": Preset(signed=(V1P1, "1.2")),
    "synergy": Preset(style="body"),
    "genesis": Preset(("/genesis",), ("{prefix}/token", "/genesis/token")),
    "blackbaud": Preset(("/afe-rostr",)),
    "focus": Preset(("/focus",)),
    "schooltool": Preset(("/STAPIService",), ("{base}/Token",)),
}
# Token services on a host of their own, for API hosts of the same company. Nothing else leads to another host.
KNOWN_ELSEWHERE = {
    "blackbaud.com": "https://oauth2.sky.blackbaud.com/token",
    "powerschool.com": "https://accounts.powerschool.com/as/token.oauth2",
}
USUAL_PREFIXES = ("", "/api", "/aeries", "/campus/api")
USUAL_TOKENS = (
    *("{prefix}/oauth/token", "/oauth/token", "{prefix}/token", "{base}/token"),
    *("/oauth/access_token", "{prefix}/ims/oneroster/token", "/oauth2/token", "/campus/oauth2/token"),
)


def preset_of(sis: str) -> Preset:
    """The preset of an SIS; an empty one where nothing is known of it."""
    return PRESETS.get(sis, NONE)
