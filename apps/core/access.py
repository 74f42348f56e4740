"""Every view names who may use it; a test walks the URL map and refuses a view that does not.

``@public`` and ``@signed_in`` stand here. Views of a system name a role with
``apps.systems.access.system_page``; views of a team with ``apps.accounts.access.team_page``.
"""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase

View = Callable[..., HttpResponseBase]


class SignedInRequest(HttpRequest):
    """A request whose user is known; annotates views behind ``signed_in``."""

    user: Any


def public(view: View) -> View:
    """Anybody may see this view, signed in or not."""
    view.access = "public"  # type: ignore[attr-defined]
    return view


def signed_in(view: View) -> View:
    """Any user may see this view; what it shows must start from what that user may see."""
    guarded = login_required(view)
    guarded.access = "signed in"  # type: ignore[attr-defined]
    return guarded
