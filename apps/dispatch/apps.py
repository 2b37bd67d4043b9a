from django.apps import AppConfig


class DispatchConfig(AppConfig):
    name = "apps.dispatch"
    label = "dispatch"

    def ready(self) -> None:
        from apps.core.events import subscribe
        from apps.dispatch import services, stores

        subscribe("camera.changed", services.on_camera_changed)
        subscribe("camera.removed", services.on_camera_changed)
        subscribe("stages.changed", services.on_stages_changed)
        subscribe("retention.changed", services.on_stages_changed)
        stores.register_own()
