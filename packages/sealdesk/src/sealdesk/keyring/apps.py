from django.apps import AppConfig


class KeyringConfig(AppConfig):
    name = "sealdesk.keyring"
    default_auto_field = "django.db.models.BigAutoField"
