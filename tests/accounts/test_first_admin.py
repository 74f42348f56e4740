import io

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import Membership, Role, User


def first_admin(monkeypatch: pytest.MonkeyPatch, password: str, *options: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    call_command("first_admin", "--email", "Root@Example.test", "--name", "Root", "--team", "Shop", *options)


@pytest.mark.django_db
def test_the_first_admin_gets_a_team(monkeypatch: pytest.MonkeyPatch) -> None:
    first_admin(monkeypatch, "a long and good one")

    membership = Membership.objects.get()
    assert (membership.user.email, membership.role, membership.team.name) == ("root@example.test", Role.ADMIN, "Shop")
    assert membership.user.check_password("a long and good one")


@pytest.mark.django_db
def test_a_weak_password_makes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="too common"):
        first_admin(monkeypatch, "password")

    assert not User.objects.exists()


def test_there_is_one_first_admin_only(monkeypatch: pytest.MonkeyPatch, tester: User) -> None:
    with pytest.raises(CommandError, match="accounts already"):
        first_admin(monkeypatch, "a long and good one")

    first_admin(monkeypatch, "a long and good one", "--force")
    assert User.objects.filter(email="root@example.test").exists()
