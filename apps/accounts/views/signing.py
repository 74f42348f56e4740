"""Sign-in, sign-out and password reset: Django's views with our forms and templates."""

from typing import Any

from django.conf import settings
from django.contrib.auth import views as auth
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils import translation
from django.views.decorators.debug import sensitive_post_parameters

from apps.accounts import demo
from apps.accounts.forms import ResetForm, SignInForm
from apps.accounts.models import User
from apps.core.access import public
from apps.core.views import remember_language


class SignIn(auth.LoginView):
    """Signs in; before the first account exists it tells how to make it."""

    form_class = SignInForm
    template_name = "accounts/sign_in.html"
    redirect_authenticated_user = True

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not User.objects.exists():
            return render(request, "accounts/first_start.html")
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(demo_accounts=demo.accounts(), demo_password=demo.PASSWORD, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        language = form.get_user().language
        if language != translation.get_language() and settings.LANGUAGE_COOKIE_NAME not in self.request.COOKIES:
            remember_language(self.request, response, language)
        return response


class AskReset(auth.PasswordResetView):
    form_class = ResetForm
    template_name = "registration/password_reset.html"
    email_template_name = "registration/password_reset_mail.txt"
    subject_template_name = "registration/password_reset_subject.txt"
    success_url = reverse_lazy("accounts:password-reset-sent")


class ResetSent(auth.PasswordResetDoneView):
    template_name = "registration/password_reset_sent.html"


class ConfirmReset(auth.PasswordResetConfirmView):
    template_name = "registration/password_reset_confirm.html"
    success_url = reverse_lazy("accounts:password-reset-done")


class ResetDone(auth.PasswordResetCompleteView):
    template_name = "registration/password_reset_done.html"


sign_in = public(sensitive_post_parameters("password")(SignIn.as_view()))
sign_out = public(auth.LogoutView.as_view())
password_reset = public(AskReset.as_view())
password_reset_sent = public(ResetSent.as_view())
password_reset_confirm = public(ConfirmReset.as_view())
password_reset_done = public(ResetDone.as_view())
