"""Addresses. Of the sign-in library only what the desk offers: nobody signs up, no page sends mail past the outbox."""

from allauth.account import views as account
from django.urls import include, path

sign_in = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("2fa/", include("allauth.mfa.urls")),
]

urlpatterns = [
    path("accounts/", include(sign_in)),
    path("", include("sealdesk.web.urls")),
]
