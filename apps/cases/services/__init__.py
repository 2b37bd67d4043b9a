"""Changes of requests of data subjects; each is one transaction with its entry in the record."""

from apps.cases.services.cases import (
    Received,
    case_close,
    case_extend,
    case_open,
    contact_reveal,
    identity_check,
)
from apps.cases.services.disclosures import (
    MAX_DOWNLOADS,
    Given,
    disclosure_approve,
    disclosure_give,
    disclosure_prepare,
    disclosure_refuse,
    pack_open,
)
from apps.cases.services.erasures import (
    erasure_approve,
    erasure_execute,
    erasure_preview,
    erasure_refuse,
)
from apps.cases.services.items import item_copy_response, item_get, item_remove, items_add
from apps.cases.services.originals import original_ask, original_edit
from apps.cases.services.reading import case_read, cases_read

__all__ = [
    "MAX_DOWNLOADS",
    "Given",
    "Received",
    "case_close",
    "case_extend",
    "case_open",
    "case_read",
    "cases_read",
    "contact_reveal",
    "disclosure_approve",
    "disclosure_give",
    "disclosure_prepare",
    "disclosure_refuse",
    "erasure_approve",
    "erasure_execute",
    "erasure_preview",
    "erasure_refuse",
    "identity_check",
    "item_copy_response",
    "item_get",
    "item_remove",
    "items_add",
    "original_ask",
    "original_edit",
    "pack_open",
]
