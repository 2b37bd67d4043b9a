from django.apps import AppConfig


class RecordingsConfig(AppConfig):
    name = "apps.recordings"
    label = "recordings"

    def ready(self) -> None:
        from apps.recordings import stores

        stores.register_own()
