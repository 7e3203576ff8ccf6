from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "sealdesk.core"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from sealdesk.core import checks  # noqa: F401 -- importing registers them
