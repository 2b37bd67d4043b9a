"""What the fields of sites and cameras may hold; each refusal says what was expected."""

import ipaddress
import math
import unicodedata
from collections.abc import Iterable
from functools import cache
from zoneinfo import available_timezones

from django.utils.translation import gettext as _

from apps.core.errors import DomainError

MAX_NETWORKS = 64
MAX_TAGS = 32
MAX_TAG_LENGTH = 40


def name_checked(name: str, *, most: int = 120) -> str:
    """One line of visible text."""
    name = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(name) <= most:
        raise DomainError("invalid_name", _("The name must have 1 to %(most)d characters.") % {"most": most})
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in name):
        raise DomainError("invalid_name", _("The name must not contain control characters."))
    return name


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def time_zone_checked(zone: str) -> str:
    if zone not in _time_zones():
        raise DomainError(
            "invalid_time_zone",
            _("Expected the name of an IANA time zone such as Europe/Helsinki, got “%(zone)s”.")
            % {"zone": zone[:64]},
        )
    return zone


def networks_checked(networks: Iterable[str]) -> list[str]:
    """Networks in CIDR form, each once, in the order given."""
    checked = list(dict.fromkeys(_network(network) for network in networks))
    if len(checked) > MAX_NETWORKS:
        raise DomainError(
            "invalid_network", _("At most %(most)d networks can be listed.") % {"most": MAX_NETWORKS}
        )
    return checked


def _network(text: str) -> str:
    try:
        network = ipaddress.ip_network(str(text).strip(), strict=False)
    except ValueError as error:
        raise DomainError(
            "invalid_network",
            _("Expected a network such as 10.20.0.0/16, got “%(text)s”.") % {"text": str(text)[:64]},
        ) from error
    if network.prefixlen == 0:
        raise DomainError(
            "invalid_network", _("A network that contains every address would switch the protection off.")
        )
    return str(network)


def tags_checked(tags: Iterable[str]) -> list[str]:
    checked = list(dict.fromkeys(name_checked(tag, most=MAX_TAG_LENGTH) for tag in tags))
    if len(checked) > MAX_TAGS:
        raise DomainError("invalid_tags", _("At most %(most)d tags can be given.") % {"most": MAX_TAGS})
    return checked


def number_checked(field: str, value: float, least: float, most: float) -> float:
    if not (math.isfinite(value) and least <= value <= most):
        raise DomainError(
            f"invalid_{field}",
            _("%(field)s: expected %(least)g to %(most)g, got %(value)g.")
            % {"field": field, "least": least, "most": most, "value": value},
        )
    return float(value)


def choice_checked(field: str, value: str, choices: Iterable[str]) -> str:
    allowed = list(choices)
    if value not in allowed:
        raise DomainError(
            f"invalid_{field}",
            _("%(field)s: expected one of %(choices)s.")
            % {"field": field, "choices": ", ".join(filter(None, allowed))},
        )
    return value
