"""What a program may do with its token, whatever its user may."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from apps.accounts.models import ApiToken, Scope


class WithinScope(BasePermission):
    """Holds a token to its scope, in every view of the API. People in their own session have none.

    To read needs ``READ``, to change anything ``WRITE``, unless ``token_scopes`` of the view names the action.
    """

    code = "token-scope"

    def has_permission(self, request: Request, view: Any) -> bool:
        token = request.auth
        if not isinstance(token, ApiToken):
            return True
        scope = Scope(token.scope)
        self.message = _("This token may not do that. It is for: %(scope)s.") % {"scope": scope.label}
        return scope.covers(needed(request, view))


def needed(request: Request, view: Any) -> Scope:
    """The least scope with which a token may make the request."""
    if request.method in SAFE_METHODS:
        return Scope.READ
    scopes: dict[str, Scope] = getattr(view, "token_scopes", {})
    return scopes.get(getattr(view, "action", None) or "", Scope.WRITE)
