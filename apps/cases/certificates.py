"""The certificate of an executed erasure, as a PDF; what it says is in the record, under numbers it names."""

from typing import Any

from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.audit.selectors import chain_state
from apps.cases.models import Erasure, ErasureState
from apps.cases.words import GROUNDS, store_titles
from apps.core.errors import NotFound
from apps.core.pdf import pdf_of


def certificate_pdf(*, acting_user: User, erasure: Erasure, language: str) -> bytes:
    """Who opens it is on record first. It names the request and numbers, never what was seen."""
    require(acting_user, Capability.RUN_CASES)
    if erasure.state != ErasureState.DONE:
        raise NotFound(_("certificate"))
    with transaction.atomic():
        audit.record_access(
            action="erasure.certificate",
            object_type="erasure",
            object_id=str(erasure.pk),
            details={"case": erasure.case.reference},
            acting_user=acting_user,
        )
    with translation.override(language):
        return pdf_of(render_to_string("cases/certificate.html", {"language": language, **_told(erasure)}))


def _told(erasure: Erasure) -> dict[str, Any]:
    head = chain_state()
    return {
        "erasure": erasure,
        "case": erasure.case,
        "buckets": buckets_of(erasure),
        "reach": reach_of(erasure),
        "head": head.hash if head is not None else "",
    }


def reach_of(erasure: Erasure) -> dict[str, list[tuple[str, str, str]] | list[tuple[str, int, int]]]:
    """Where it ends: models that learned from what was found, and pictures that cannot be searched."""
    return {
        "learned": [(model, sha256, source) for model, sha256, source in erasure.counts.get("learned", ())],
        "blind": [(source, n, total) for source, n, total in erasure.counts.get("blind", ())],
    }


def buckets_of(erasure: Erasure) -> dict[str, list[tuple[str | Promise, int, str | Promise]]]:
    """The three buckets in words: what, how many, and for what stays why."""
    titles = store_titles()

    def named(store: str) -> str | Promise:
        return titles.get(store, store)

    counts = erasure.counts
    return {
        "erase": [(named(store), n, "") for store, n in counts["erase"].items()],
        "cut": [(named(store), n, "") for store, n in counts["cut"].items()],
        "keep": [(named(store), n, GROUNDS.get(ground, ground)) for ground, store, n in counts["kept"]],
    }
