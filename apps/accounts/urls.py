from django.urls import path

from apps.accounts.views import account, invitations, signing, teams

app_name = "accounts"
urlpatterns = [
    path("sign-in/", signing.sign_in, name="sign-in"),
    path("sign-out/", signing.sign_out, name="sign-out"),
    path("password-reset/", signing.password_reset, name="password-reset"),
    path("password-reset/sent/", signing.password_reset_sent, name="password-reset-sent"),
    path("password-reset/done/", signing.password_reset_done, name="password-reset-done"),
    path("password-reset/<str:uidb64>/<str:token>/", signing.password_reset_confirm, name="password-reset-confirm"),
    path("invitations/<str:token>/", invitations.invitation, name="invitation"),
    path("teams/", teams.teams, name="teams"),
    path("teams/new/", teams.team_new, name="team-new"),
    path("teams/<slug:team>/", teams.team, name="team"),
    path("teams/<slug:team>/edit/", teams.team_edit, name="team-edit"),
    path("teams/<slug:team>/leave/", teams.team_leave, name="team-leave"),
    path("teams/<slug:team>/audit/", teams.audit_log, name="audit"),
    path("teams/<slug:team>/invite/", teams.invite, name="invite"),
    path("teams/<slug:team>/invitations/<int:invitation>/revoke/", teams.invitation_revoke, name="invitation-revoke"),
    path("teams/<slug:team>/members/<int:member>/role/", teams.member_role, name="member-role"),
    path("teams/<slug:team>/members/<int:member>/remove/", teams.member_remove, name="member-remove"),
    path("account/", account.account, name="account"),
    path("account/password/", account.password, name="password"),
    path("account/tokens/", account.tokens, name="tokens"),
    path("account/tokens/<int:token>/revoke/", account.token_revoke, name="token-revoke"),
]
