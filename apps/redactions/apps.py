from django.apps import AppConfig


class RedactionsConfig(AppConfig):
    name = "apps.redactions"
    label = "redactions"
