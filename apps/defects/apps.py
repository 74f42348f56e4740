from django.apps import AppConfig


class DefectsConfig(AppConfig):
    name = "apps.defects"
    label = "defects"

    def ready(self) -> None:
        from apps.defects import receivers

        receivers.connect()
