"""How the form pages of this app answer."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render


def form_page(request: HttpRequest, template: str, form: Any, **context: Any) -> HttpResponse:
    """The page with its form; 400 when what was sent was refused."""
    return render(request, template, {"form": form, **context}, status=400 if form.errors else 200)


def onward(request: HttpRequest, target: Any, again: str) -> HttpResponse:
    """After saving: *target*, or the form *again* (an address) when the person chose to add another."""
    return redirect(again if "again" in request.POST else target)
