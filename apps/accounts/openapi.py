"""How the schema of the REST API describes signing in by a token."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from apps.accounts.models import Scope


class BearerToken(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describes TokenAuthentication; drf-spectacular knows it as soon as it is imported."""

    target_class = "apps.accounts.authentication.TokenAuthentication"
    name = "bearerToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        scopes = "; ".join(f"`{scope.value}`: {scope.label}" for scope in Scope)
        told = f"A token of the account. Its scope says how much of what its user may do it may: {scopes}."
        return {"type": "http", "scheme": "bearer", "description": told}
