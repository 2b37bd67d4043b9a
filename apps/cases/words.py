"""What stores and grounds are called where people read them."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.retention import registry
from apps.retention.erasure import Ground

GROUNDS: dict[str, str | Promise] = {
    Ground.HOLD: _("a legal hold keeps it"),
    Ground.OPEN_CASE: _("another open request needs it"),
    Ground.RUNNING: _("work on it has not ended; it can be erased in an hour"),
    Ground.EVIDENCE: _("it belongs to an evidence pack, made for a legal claim (Art. 17(3)(e))"),
    Ground.RECORD: _(
        "the record of who saw and did what is a legal duty (Art. 17(3)(b)); it holds no picture"
    ),
}


def store_titles() -> dict[str, str | Promise]:
    return {
        **{store.name: store.title for store in registry.stores()},
        "record": _("Entries of the record that name it"),
    }
