from django.apps import AppConfig


class ExecutionConfig(AppConfig):
    name = "apps.execution"
    label = "execution"

    def ready(self) -> None:
        # Whoever starts a run (web, tests, commands) sends tasks through the product's Celery application.
        from apps.execution import receivers
        from integhub.celery import app

        app.set_default()
        receivers.connect()
