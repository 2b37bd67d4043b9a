"""The report of an audit-day pack: which tables it shows, in which words, laid out as a PDF."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import TextChoices
from django.template.loader import render_to_string
from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.audit.keys import public_keys
from apps.cases.models import CaseKind, Outcome
from apps.compliance.contents import Contents
from apps.compliance.files import FOLDER, as_text
from apps.consent.models import LawfulBasis, PurposeStage
from apps.console import words
from apps.console.templatetags.system import role_words
from apps.core.pdf import pdf_of
from apps.unmasking.models import RequestState

MOST_ROWS = 250  # per table; the rest is in the data, and the report says so
Cell = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    title: str | Promise
    cell: Cell = as_text


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    title: str | Promise
    columns: tuple[Column, ...]


def _moment(value: Any) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if value else ""


def _stages(value: Any) -> str:
    known = dict(PurposeStage.choices)
    return ", ".join(str(known.get(name, words.STAGES.get(name, name))) for name in value or ())


def _label(choices: type[TextChoices]) -> Cell:
    return lambda value: str(dict(choices.choices).get(value, value or ""))


def _code(value: Any) -> str:
    return "" if value in ("", "in_force") else str(words.CODES.get(value, value))


def _contents(value: Any) -> str:
    """What a version of an entry said, in short; the data have all of it."""
    names = ("purpose", "lawful_basis", "retention_class")
    return "; ".join(str(value[name]) for name in names if value.get(name))


def _number(value: Any) -> str:
    return formats.number_format(value or 0, decimal_pos=0, use_l10n=True, force_grouping=True)


_CAMERA, _PERSON = _("Camera"), _("Person")
TABLES = (
    Table("cameras", _("Cameras and what they may do now"), (
        Column("camera", _CAMERA), Column("site", _("Site")), Column("allowed_now", _("Allowed"), _stages),
        Column("purposes", _("Purposes")), Column("reason", _("Reason"), _code),
    )),
    Table("purposes", _("Register of purposes"), (
        Column("camera_name", _CAMERA), Column("zone_name", _("Zone")), Column("purpose", _("Purpose")),
        Column("lawful_basis", _("Lawful basis"), _label(LawfulBasis)), Column("controller", _("Controller")),
        Column("dpia_reference", _("Impact assessment")), Column("retention_class", _("Retention class")),
        Column("stages", _("Allowed"), _stages), Column("valid_from", _("Valid from"), _moment),
        Column("valid_until", _("Valid until"), _moment), Column("ended_at", _("Ended"), _moment),
    )),
    Table("purpose_versions", _("The register over time"), (
        Column("from", _("From"), _moment), Column("camera_name", _CAMERA), Column("version", _("Version")),
        Column("by", _("By")), Column("contents", _("What it said"), _contents),
    )),
    Table("leases", _("Permissions of cameras in the span"), (
        Column("at", _("Time"), _moment), Column("camera", _CAMERA), Column("reason", _("Reason")),
        Column("withheld", _("Withheld"), _code), Column("stages", _("Allowed"), _stages),
        Column("obeyed_at", _("Obeyed"), _moment),
    )),
    Table("who_saw", _("Who saw which camera in the span"), (
        Column("camera", _CAMERA), Column("person", _PERSON), Column("role", _("Role"), role_words),
        Column("seconds_live", _("Live, seconds"), _number), Column("pictures", _("Pictures"), _number),
        Column("other_accesses", _("Other accesses"), _number), Column("uncovered", _("Uncovered"), _number),
        Column("models", _("Models")),
    )),
    Table("refusals", _("Refused attempts in the span"), (
        Column("person", _PERSON), Column("role", _("Role"), role_words),
        Column("action", _("Action"), words.action_words), Column("times", _("Times"), _number),
    )),
    Table("unmaskings", _("Unmaskings asked for in the span"), (
        Column("asked_at", _("Asked"), _moment), Column("camera", _CAMERA), Column("case", _("Case")),
        Column("reason", _("Reason")), Column("asked_by", _("Asked by")),
        Column("state", _("State"), _label(RequestState)),
        Column("decided_by", _("Decided by")), Column("opened_at", _("Opened"), _moment),
        Column("seconds_watched", _("Watched, seconds"), _number),
    )),
    Table("requests_of_persons", _("Requests of persons"), (
        Column("reference", _("Case")), Column("kind", _("Request"), _label(CaseKind)),
        Column("received_at", _("Received"), _moment), Column("due_at", _("Due"), _moment),
        Column("closed_at", _("Closed"), _moment), Column("outcome", _("Outcome"), _label(Outcome)),
    )),
    Table("holds", _("Legal holds in the span"), (
        Column("camera", _CAMERA), Column("since", _("From"), _moment), Column("until", _("Until"), _moment),
        Column("reason", _("Reason")), Column("case", _("Case")), Column("placed_by_name", _("Placed by")),
        Column("expires_at", _("Expires"), _moment), Column("released_at", _("Released"), _moment),
    )),
    Table("retention_classes", _("Retention classes"), (
        Column("code", _("Code")), Column("name", _("Name")), Column("hours", _("Kept for hours")),
        Column("original_hours", _("Sealed originals for hours")),
        Column("justification", _("Justification")),
    )),
    Table("certificates", _("Certificates of deletion in the span"), (
        Column("seq", _("Entry")), Column("at", _("Time"), _moment),
        Column("action", _("Action"), words.action_words), Column("object", _("Object")),
        Column("rows", _("Rows"), _number), Column("ids_sha256", _("Fingerprint")),
    )),
    Table("checkpoints", _("Signed checkpoints"), (
        Column("number", _("Number")), Column("at", _("Time")), Column("first", _("First entry")),
        Column("last", _("Last entry")), Column("key_id", _("Public key")),
        Column("time_stamped", "RFC 3161"),
    )),
)  # fmt: skip


def report_pdf(contents: Contents) -> bytes:
    """The report in the language that is active. Of the checkpoints it shows the newest."""
    context = {
        "contents": contents,
        "tables": [_shown(table, contents) for table in TABLES],
        "consents": contents.consents,
        "keys": public_keys(),
    }
    return pdf_of(render_to_string("console/audit_report.html", context))


def _shown(table: Table, contents: Contents) -> dict[str, Any]:
    rows = contents.tables[table.name]
    shown = rows[-MOST_ROWS:] if table.name in ("checkpoints", "certificates") else rows[:MOST_ROWS]
    return {
        "title": table.title,
        "columns": table.columns,
        "rows": [[column.cell(row.get(column.name)) for column in table.columns] for row in shown],
        "count": len(rows),
        "more": len(rows) - len(shown),
        "file": f"{FOLDER}/{table.name}.csv",
    }
