"""The own account: name, language, password, API tokens."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from apps.accounts import services
from apps.accounts.forms import AccountForm, PasswordForm, TokenForm
from apps.accounts.models import User
from apps.core.access import SignedInRequest, signed_in
from apps.core.views import remember_language

FRESH_TOKEN = "fresh_token"  # noqa: S105 (session key: shown once, on the next page)


@signed_in
def account(request: SignedInRequest) -> HttpResponse:
    form = AccountForm(request.POST or None, instance=User.objects.get(pk=request.user.pk))
    if request.method == "POST" and form.is_valid():
        user = form.save()
        with translation.override(user.language):
            messages.success(request, _("Saved."))
        response = redirect("accounts:account")
        remember_language(request, response, user.language)
        return response
    return _show_account(request, form, PasswordForm(request.user))


def _show_account(
    request: SignedInRequest, form: AccountForm, password_form: PasswordForm, status: int = 200
) -> HttpResponse:
    memberships = request.user.memberships.select_related("team").order_by("team__name")
    context = {"form": form, "password_form": password_form, "memberships": memberships, "section": "account"}
    return render(request, "accounts/account.html", context, status=status)


@signed_in
@sensitive_post_parameters()
@require_POST
def password(request: SignedInRequest) -> HttpResponse:
    """Change the password; this session stays, all others end."""
    form = PasswordForm(request.user, request.POST)
    if not form.is_valid():
        return _show_account(request, AccountForm(instance=request.user), form, status=400)
    form.save()
    update_session_auth_hash(request, request.user)
    services.audit(None, request.user, "password.changed", request.user.email)
    messages.success(request, _("The password is changed. Other sessions are signed out."))
    return redirect("accounts:account")


@signed_in
def tokens(request: SignedInRequest) -> HttpResponse:
    """The user's API tokens; a new one is shown once, on the page after its creation."""
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        name, scope = form.cleaned_data["name"], form.cleaned_data["scope"]
        _saved, token = services.create_token(request.user, name, form.expires_at, scope=scope)
        request.session[FRESH_TOKEN] = token
        return redirect("accounts:tokens")
    context = {"form": form, "tokens": request.user.api_tokens.all(), "section": "tokens"}
    context["fresh"] = request.session.pop(FRESH_TOKEN, None)
    return render(request, "accounts/tokens.html", context, status=400 if form.errors else 200)


@signed_in
@require_POST
def token_revoke(request: SignedInRequest, token: int) -> HttpResponse:
    services.revoke_token(get_object_or_404(request.user.api_tokens, pk=token), request.user)
    messages.success(request, _("The token is revoked."))
    return redirect("accounts:tokens")
