"""The addresses of requests of data subjects."""

from django.urls import URLPattern, path

from apps.console.views import cases

_ONE = "cases/<uuid:case_id>"
urlpatterns: list[URLPattern] = [
    path("cases/", cases.cases, name="cases"),
    path("cases/add/", cases.case_add, name="case_add"),
    path(f"{_ONE}/", cases.case, name="case"),
    path(f"{_ONE}/contact/", cases.case_contact, name="case_contact"),
    path(f"{_ONE}/identity/", cases.case_identity, name="case_identity"),
    path(f"{_ONE}/extend/", cases.case_extend, name="case_extend"),
    path(f"{_ONE}/close/", cases.case_close, name="case_close"),
]
