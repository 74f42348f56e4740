"""The page behind an invitation link."""

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from apps.accounts.forms import JoinForm
from apps.accounts.models import Invitation, User
from apps.accounts.services import accept_invitation, join_as_new_user, open_invitation
from apps.core.access import public
from apps.core.errors import DomainError

BACKEND = "django.contrib.auth.backends.ModelBackend"


@public
@sensitive_post_parameters("password")
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Join with the present account, sign in to join, or make an account: whichever fits the invited address."""
    invited = open_invitation(token)
    if request.user.is_authenticated:
        return _join(request, invited, token, request.user)
    if User.objects.filter(email=invited.email).exists():
        return render(request, "accounts/invitation.html", {"invitation": invited, "has_account": True})
    return _register(request, invited, token)


def _join(request: HttpRequest, invited: Invitation, token: str, user: User) -> HttpResponse:
    if invited.email != user.email or request.method != "POST":
        context = {"invitation": invited, "wrong_address": invited.email != user.email}
        return render(request, "accounts/invitation.html", context)
    membership = accept_invitation(token, user)
    messages.success(request, _("You are now a member of %(team)s.") % {"team": membership.team})
    return redirect("accounts:team", membership.team.slug)


def _register(request: HttpRequest, invited: Invitation, token: str) -> HttpResponse:
    form = JoinForm(request.POST or None, email=invited.email)
    if request.method == "POST" and form.is_valid():
        try:
            user = join_as_new_user(token, form.cleaned_data["name"], form.cleaned_data["password"])
        except DomainError as error:
            form.refuse(error)
        else:
            login(request, user, BACKEND)
            messages.success(request, _("Welcome! You are now a member of %(team)s.") % {"team": invited.team})
            return redirect("accounts:team", invited.team.slug)
    return render(request, "accounts/invitation.html", {"invitation": invited, "form": form})
