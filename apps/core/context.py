"""What every template may use."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

THEME_COOKIE = "integhub_theme"
THEMES = ("light", "dark", "auto")


def product(request: HttpRequest) -> dict[str, Any]:
    """Version of the product, whether this is the embedded start, and the colour theme chosen."""
    theme = request.COOKIES.get(THEME_COOKIE, "")
    return {
        "product_version": settings.VERSION,
        "embedded": settings.EMBEDDED,
        "theme": theme if theme in {"light", "dark"} else "",
    }
