"""`manage.py accounts create-user NAME --role ROLE` makes an account from the machine itself."""

import getpass
import secrets
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import Role
from apps.accounts.services import user_create
from apps.core.context import audit_context, system_context
from apps.core.errors import DomainError


class Command(BaseCommand):
    help = "Makes accounts. The password is read from the terminal or standard input, or generated."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="what", required=True)
        create = actions.add_parser("create-user", help="make an account")
        create.add_argument("username")
        create.add_argument("--role", choices=Role.values, default=Role.OPERATOR.value)
        create.add_argument("--language", default="en")
        create.add_argument(
            "--generate-password", action="store_true", help="make a password and print it once"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        generated = options["generate_password"]
        password = secrets.token_urlsafe(16) if generated else _read_password()
        try:
            with audit_context(system_context("accounts create-user")):
                user = user_create(
                    acting_user=None,
                    username=options["username"],
                    password=password,
                    role=options["role"],
                    language=options["language"],
                )
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{user.username}: {user.get_role_display()}")
        if generated:
            self.stdout.write(f"password: {password}")


def _read_password() -> str:
    """Never an argument: those are seen in the list of processes and kept in the shell's history."""
    if sys.stdin.isatty():
        return getpass.getpass("Password: ")
    return sys.stdin.readline().rstrip("\n")
