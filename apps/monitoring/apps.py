import sys
from pathlib import Path

from django.apps import AppConfig
from django.conf import settings


class MonitoringConfig(AppConfig):
    name = "apps.monitoring"
    label = "monitoring"

    def ready(self) -> None:
        from apps.monitoring import stores

        stores.register_own()
        if settings.SENTRY_DSN:
            import sentry_sdk

            from inference_workers.contracts.reporting import sentry_options

            sentry_sdk.init(**sentry_options(settings.SENTRY_DSN, process=Path(sys.argv[0]).stem or "web"))
