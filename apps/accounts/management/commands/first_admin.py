"""``manage.py first_admin``: the first account and its team."""

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import create_team


class Command(BaseCommand):
    help = "Make the first account, admin of a first team. Everybody else comes by invitation."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", help="asked for when left out")
        parser.add_argument("--name", help="asked for when left out")
        parser.add_argument("--team", help="name of the first team; asked for when left out")
        parser.add_argument("--force", action="store_true", help="also when there are accounts already")

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.exists() and not options["force"]:
            raise CommandError("There are accounts already; people join by invitation. --force makes one more admin.")
        email = (options["email"] or self._ask("E-mail address")).strip().lower()
        name = options["name"] or self._ask("Name")
        team_name = options["team"] or self._ask("Name of the first team")
        person = User(email=email, name=name)
        password = self._password(person)
        try:
            validate_email(email)
            validate_password(password, person)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        if User.objects.filter(email=email).exists():
            raise CommandError(f"There is an account with the address {email} already.")
        with transaction.atomic():
            user = User.objects.create_superuser(email, password, name=name)
            team = create_team(team_name, user)
        self.stdout.write(f"{email} is admin of the team “{team}”. Sign in and invite the others.")

    def _ask(self, what: str) -> str:
        if not sys.stdin.isatty():
            raise CommandError(f"{what} is missing, and there is no terminal to ask on.")
        return input(f"{what}: ")

    def _password(self, person: User) -> str:
        """Asked for twice on a terminal; otherwise the first line of standard input."""
        if not sys.stdin.isatty():
            return sys.stdin.readline().rstrip("\n")
        first = getpass.getpass(f"Password of {person.email}: ")
        if first != getpass.getpass("Once more: "):
            raise CommandError("The two passwords differ.")
        return first
