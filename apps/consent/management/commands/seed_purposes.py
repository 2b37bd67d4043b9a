"""`manage.py seed_purposes`: entries of the register for the demo, and a trial for one's own camera."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.models import Role, User
from apps.cameras.demo.own_camera import SITE
from apps.cameras.models import Camera
from apps.consent.seeding import TRIAL, demo_purposes_add, trial_purpose_add
from apps.core.context import audit_context, system_context
from apps.core.errors import DomainError


class Command(BaseCommand):
    help = "Enter the purposes of the demo cameras, and with --trial a provisional one for your own camera."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--trial",
            action="store_true",
            help=f"the cameras that were added with SOURCE= may be tried for {TRIAL.days} days",
        )

    def handle(self, *args: Any, trial: bool = False, **options: Any) -> None:
        bob = User.objects.filter(username="bob", role=Role.COMPLIANCE, is_active=True).first()
        if bob is None:  # this installation has grown up: its own compliance officers enter purposes
            self.stdout.write("The demo's compliance officer is gone; no entry was made.")
            return
        try:
            with audit_context(system_context("seed_purposes")):
                self._seed(bob, trial=trial)
        except DomainError as error:
            raise CommandError(error.message) from error

    def _seed(self, bob: User, *, trial: bool) -> None:
        if count := demo_purposes_add(bob):
            self.stdout.write(f"{count} demo cameras have their entry in the register of purposes.")
        for camera in Camera.objects.filter(site__name=SITE, demo=False) if trial else ():
            entry = trial_purpose_add(bob, camera)
            if entry is not None and entry.valid_until is not None:
                self.stdout.write(
                    f"“{camera.name}” may be tried until {entry.valid_until:%Y-%m-%d %H:%M} UTC."
                )
