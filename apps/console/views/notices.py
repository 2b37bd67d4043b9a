"""The public notice behind the code of a sign, and the sign itself for those who hang it up."""

from http import HTTPStatus

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.accounts.roles import Capability
from apps.cameras.selectors import access_camera
from apps.consent.notices import LANGUAGES, sign_pdf, telling_of
from apps.consent.selectors import notice_by_code
from apps.consent.services import notice_of
from apps.console.access import page, viewer
from apps.core.errors import DomainError
from apps.core.middleware import client_address

MOST_PER_MINUTE = 30


@require_safe
def notice(request: HttpRequest, code: str) -> HttpResponse:
    """Open to everybody: what is told of the camera behind a sign, and nothing else of it."""
    _limit(client_address(request))
    found = notice_by_code(code)
    language = _language(request)
    with translation.override(language):
        context = {
            "telling": telling_of(found.camera),
            "code": found.code,
            "language": language,
            "languages": [(other, translation.get_language_info(other)["name_local"]) for other in LANGUAGES],
        }
        response = render(request, "consent/notice.html", context)
    response["Cache-Control"] = "no-cache"
    return response


def _language(request: HttpRequest) -> str:
    """That of the address, as a sign's code names it, or that of the browser."""
    asked = request.GET.get("language") or translation.get_language() or ""
    return asked if asked in LANGUAGES else LANGUAGES[0]


def _limit(address: str) -> None:
    """A window of one minute per address, so that nobody tries codes by the thousand."""
    key = f"notice:{address}"
    cache.add(key, 0, timeout=60)
    try:
        count = cache.incr(key)
    except ValueError:  # the minute ended between the two
        count = 1
        cache.set(key, count, timeout=60)
    if count > MOST_PER_MINUTE:
        raise DomainError(
            "too_many_requests",
            _("Too many requests from your address. Try again in a minute."),
            HTTPStatus.TOO_MANY_REQUESTS,
        )


@page(Capability.SEE_PURPOSES)
def camera_sign(request: HttpRequest, camera_id: str) -> HttpResponse:
    """The sign of a camera as a PDF, in the language that was asked for or of the page."""
    user = viewer(request)
    camera = access_camera(user, camera_id, purpose="compliance review", capability=Capability.SEE_PURPOSES)
    language = _language(request)
    published = notice_of(acting_user=user, camera=camera)
    path = reverse("console:notice", args=[published.code])
    address = request.build_absolute_uri(f"{path}?language={language}")
    pdf = sign_pdf(camera, published, address=address, language=language)
    name = f'attachment; filename="sign-{published.code}-{language}.pdf"'
    return HttpResponse(pdf, content_type="application/pdf", headers={"Content-Disposition": name})
