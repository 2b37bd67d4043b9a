"""What load balancers, orchestrators and Prometheus ask for. No page, no session, no cookie."""

import hmac
import ipaddress
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.core.errors import NotFound
from apps.monitoring.metrics import CONTENT_TYPE, metrics_text
from apps.monitoring.readiness import readiness


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """This process is alive. Touches nothing else, so that a dead database does not restart the web."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """The installation can do its work; 503 names each part that cannot, and what to do."""
    checks = readiness()
    ready = all(check.ok for check in checks)
    body = {
        "status": "ready" if ready else "not ready",
        "checks": {check.name: {"ok": check.ok, "detail": check.detail} for check in checks},
    }
    return JsonResponse(body, status=HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus: with METRICS_TOKEN as bearer token, or from this machine where none is set."""
    if not _may_scrape(request):
        raise NotFound(_("page"))
    return HttpResponse(metrics_text(), content_type=CONTENT_TYPE)


def _may_scrape(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        offered = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(offered.encode(), settings.METRICS_TOKEN.encode())
    return _is_local(request)


def _is_local(request: HttpRequest) -> bool:
    """From this machine itself; what a proxy on this machine passes on is not."""
    if any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP")):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
