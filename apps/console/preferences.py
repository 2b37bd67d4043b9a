"""What a person chose for the look of the pages, kept in a cookie so that the first paint is right."""

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

THEME_COOKIE = "vidette_theme"
THEMES: dict[str, str | Promise] = {"": _("As the system"), "light": _("Light"), "dark": _("Dark")}
ONE_YEAR_S = 365 * 24 * 3600


def theme_of(request: HttpRequest) -> str:
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""
