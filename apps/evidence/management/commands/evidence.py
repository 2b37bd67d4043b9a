"""`manage.py evidence verify FILE`: whether a pack is what this installation signed."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.audit.keys import public_keys
from apps.audit.standalone import verify_record
from apps.evidence.standalone.verify_pack import Bad, Pack, Unreadable, check_record, key_id_of, worded
from apps.evidence.verifiers import verifier_files


class Command(BaseCommand):
    help = "Checks evidence packs, and hands out what others check them with."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="what", required=True)
        verify = actions.add_parser("verify", help="name what was changed in a pack")
        verify.add_argument("file", help="the pack, a .zip")
        verify.add_argument(
            "--key", default="", help="the public key to trust; else those of this installation"
        )
        verifiers = actions.add_parser("verifiers", help="write the page and the scripts that check packs")
        verifiers.add_argument("folder", help="where to; it is made where it is missing")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] == "verify":
            self._verify(Path(options["file"]), options["key"])
        else:
            self._verifiers(Path(options["folder"]))

    def _verify(self, path: Path, key: str) -> None:
        keys = tuple(text.strip() for text in key.split(",") if text.strip()) or tuple(public_keys().values())
        try:
            with path.open("rb") as stream:
                pack, record = _checked(Pack(stream, keys))
        except (Unreadable, OSError, ValueError, LookupError, TypeError, RecursionError) as error:
            raise CommandError(f"This cannot be checked: {error}", returncode=2) from error
        self.stdout.write(f"Intact: {len(pack.manifest['files'])} files, pack {pack.manifest['pack']}.")
        self.stdout.write(record)
        self.stdout.write(f"Signed with key {key_id_of(pack.signed_with)}, which is trusted.")

    def _verifiers(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in verifier_files().items():
            (folder / name).write_bytes(data)
            self.stdout.write(str(folder / name))


def _checked(pack: Pack) -> tuple[Pack, str]:
    try:
        found, record = pack.check(), ""
        if not found:
            record = worded(check_record(pack, verify_record))
    except Bad as bad:
        found = [bad]
    if found:
        raise CommandError("; ".join(f"{bad.name} {bad}" for bad in found), returncode=1)
    return pack, record
