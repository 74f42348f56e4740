from django.urls import path

from apps.execution.views import hooks

urlpatterns = [
    path("<str:token>", hooks.hook, name="hook"),
    path("<str:token>/<path:rest>", hooks.hook, name="hook-below"),
    path("<str:token>/", hooks.hook, name="hook-slash"),
]
