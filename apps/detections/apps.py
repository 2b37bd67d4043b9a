from django.apps import AppConfig


class DetectionsConfig(AppConfig):
    name = "apps.detections"
    label = "detections"

    def ready(self) -> None:
        from apps.detections import stores

        stores.register_own()
