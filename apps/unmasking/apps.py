from django.apps import AppConfig


class UnmaskingConfig(AppConfig):
    name = "apps.unmasking"
    label = "unmasking"

    def ready(self) -> None:
        from apps.unmasking import stores

        stores.register_own()
