from django.apps import AppConfig


class TicketsConfig(AppConfig):
    name = "sealdesk.tickets"
    default_auto_field = "django.db.models.BigAutoField"
