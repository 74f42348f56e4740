from django.urls import URLPattern

app_name = "defects"
urlpatterns: list[URLPattern] = []
