"""What people in front of a camera are told: the sign (first layer) and the public page (second layer).

After the guidelines 3/2019 of the European Data Protection Board: the sign names purposes, controller, rights
and where the rest is told; the page tells the rest. Neither names the camera.
"""

from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO

import segno
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.cameras.models import Camera
from apps.consent.models import LawfulBasis, Notice, Purpose, PurposeStage
from apps.core.clock import now
from apps.core.errors import Conflict
from apps.core.pdf import pdf_of
from apps.retention.selectors import classes_all

LANGUAGES = ("en", "ru")


@dataclass(frozen=True, slots=True)
class Told:
    """One purpose in words."""

    purpose: str
    basis: str
    interest: str
    stages: tuple[str, ...]
    kept: str
    by_consent: bool


@dataclass(frozen=True, slots=True)
class Telling:
    """All that a notice says, in the language that is active."""

    controllers: tuple[tuple[str, str], ...]
    purposes: tuple[Told, ...]
    demo: bool

    @property
    def by_consent(self) -> bool:
        return any(told.by_consent for told in self.purposes)


def telling_of(camera: Camera) -> Telling:
    """What is told of a camera, from its entries that are valid now, whatever the hour."""
    entries = _valid(camera)
    hours = {row.code: row.hours for row in classes_all()}
    controllers = dict.fromkeys((entry.controller, entry.controller_contact) for entry in entries)
    told = tuple(_told(entry, hours.get(entry.retention_class, hours["standard"])) for entry in entries)
    return Telling(tuple(controllers), told, any(entry.origin != "register" for entry in entries))


def _valid(camera: Camera) -> list[Purpose]:
    at = now()
    rows = Purpose.objects.filter(camera=camera, ended_at=None, valid_from__lte=at).order_by(
        "zone_name", "pk"
    )
    return [row for row in rows if row.valid_until is None or at < row.valid_until]


def _told(entry: Purpose, hours: int) -> Told:
    return Told(
        purpose=entry.purpose,
        basis=str(LawfulBasis(entry.lawful_basis).label),
        interest=entry.interest,
        stages=tuple(str(stage.label) for stage in PurposeStage if stage.value in entry.stages),
        kept=_kept(hours),
        by_consent=entry.lawful_basis == LawfulBasis.CONSENT,
    )


def _kept(hours: int) -> str:
    if hours % 24 == 0 and hours > 72:
        return ngettext("%(n)d day", "%(n)d days", hours // 24) % {"n": hours // 24}
    return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}


def sign_pdf(camera: Camera, notice: Notice, *, address: str, language: str) -> bytes:
    """The sign to print, A4, with a code that leads to `address`.

    Raises:
        Conflict: no entry of the register is valid, so there is nothing that a sign could truthfully say.
    """
    with translation.override(language):
        telling = telling_of(camera)
        if not telling.purposes:
            raise Conflict(
                "no_purpose",
                _("No entry of the register is valid for this camera, so a sign has nothing to say."),
            )
        context = {
            "telling": telling,
            "code": notice.code,
            "address": address,
            "qr": _qr(address),
            "language": language,
        }
        return pdf_of(render_to_string("consent/sign.html", context))


def _qr(address: str) -> str:
    drawn = BytesIO()
    segno.make(address, error="m").save(drawn, kind="svg", scale=6, border=2)
    return "data:image/svg+xml;base64," + b64encode(drawn.getvalue()).decode()
