from django.apps import AppConfig


class LiveConfig(AppConfig):
    name = "apps.live"
    label = "live"

    def ready(self) -> None:
        from apps.core.events import subscribe
        from apps.live.redactions import on_redaction_changed

        subscribe("redaction.changed", on_redaction_changed)
