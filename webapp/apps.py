from django.apps import AppConfig


class WebappConfig(AppConfig):
    """The project as an app, so that its system checks are known to every command."""

    name = "webapp"
    label = "webapp"

    def ready(self) -> None:
        from webapp import checks  # noqa: F401 - registers them
