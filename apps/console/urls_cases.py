"""The addresses of requests of data subjects."""

from django.urls import URLPattern, path

from apps.console.views import case_disclosures, case_erasures, case_items, cases

_ONE = "cases/<uuid:case_id>"
_ITEM = f"{_ONE}/items/<uuid:item_id>"
_DISCLOSURE = f"{_ONE}/disclosures/<uuid:disclosure_id>"
_ERASURE = f"{_ONE}/erasures/<uuid:erasure_id>"
urlpatterns: list[URLPattern] = [
    path("cases/", cases.cases, name="cases"),
    path("cases/add/", cases.case_add, name="case_add"),
    path(f"{_ONE}/", cases.case, name="case"),
    path(f"{_ONE}/contact/", cases.case_contact, name="case_contact"),
    path(f"{_ONE}/identity/", cases.case_identity, name="case_identity"),
    path(f"{_ONE}/extend/", cases.case_extend, name="case_extend"),
    path(f"{_ONE}/close/", cases.case_close, name="case_close"),
    path(f"{_ONE}/find/", case_items.case_find, name="case_find"),
    path(f"{_ONE}/items/", case_items.case_collect, name="case_collect"),
    path(f"{_ONE}/items/<uuid:item_id>/copy", case_items.case_item_copy, name="case_item_copy"),
    path(f"{_ONE}/items/<uuid:item_id>/remove/", case_items.case_item_remove, name="case_item_remove"),
    path(f"{_ITEM}/original/ask/", case_items.case_original_ask, name="case_original_ask"),
    path(f"{_ITEM}/original/edit/", case_items.case_original_edit, name="case_original_edit"),
    path(f"{_ONE}/disclosures/", case_disclosures.disclosure_add, name="disclosure_add"),
    path(f"{_DISCLOSURE}/approve/", case_disclosures.disclosure_approve, name="disclosure_approve"),
    path(f"{_DISCLOSURE}/refuse/", case_disclosures.disclosure_refuse, name="disclosure_refuse"),
    path(f"{_DISCLOSURE}/give/", case_disclosures.disclosure_give, name="disclosure_give"),
    path(f"{_DISCLOSURE}/pack/", case_disclosures.disclosure_pack, name="disclosure_pack"),
    path(f"{_ONE}/erasures/", case_erasures.erasure_add, name="erasure_add"),
    path(f"{_ERASURE}/approve/", case_erasures.erasure_approve, name="erasure_approve"),
    path(f"{_ERASURE}/refuse/", case_erasures.erasure_refuse, name="erasure_refuse"),
    path(f"{_ERASURE}/execute/", case_erasures.erasure_execute, name="erasure_execute"),
    path(f"{_ERASURE}/certificate.pdf", case_erasures.erasure_certificate, name="erasure_certificate"),
]
