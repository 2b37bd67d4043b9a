from django.apps import AppConfig


class RedactionsConfig(AppConfig):
    name = "apps.redactions"
    label = "redactions"

    def ready(self) -> None:
        from apps.redactions import stores

        stores.register_own()
