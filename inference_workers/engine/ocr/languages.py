"""Which Tesseract languages read which script, and where their data lies."""

import hashlib
import os
from functools import cache
from pathlib import Path

from inference_workers.contracts.lease import Script
from inference_workers.engine.errors import EngineError

# The first must be there; the others join when they are installed.
LANGUAGES: dict[Script, tuple[str, ...]] = {
    Script.LATIN: ("eng",),
    Script.CHINESE: ("chi_sim",),
    Script.CYRILLIC: ("rus",),
    Script.ARABIC: ("ara",),
    Script.HEBREW: ("heb",),
    Script.DEVANAGARI: ("hin",),
}
_DEBIAN = "/usr/share/tesseract-ocr/*/tessdata"


def tessdata_folder(data_dir: Path) -> Path:
    """`TESSDATA_PREFIX`, else `tessdata` in the data folder, else Debian's newest.

    Raises:
        EngineError: `tessdata_missing`.
    """
    for folder in _folders(data_dir):
        if any(folder.glob("*.traineddata")):
            return folder
    raise EngineError(
        "tessdata_missing",
        "no Tesseract language data found; install tesseract-ocr and tesseract-ocr-rus (Debian), "
        f"put *.traineddata into {data_dir / 'tessdata'}, or set TESSDATA_PREFIX",
    )


def _folders(data_dir: Path) -> list[Path]:
    named = os.environ.get("TESSDATA_PREFIX", "").strip()
    debian = sorted(Path("/").glob(_DEBIAN.lstrip("/")), reverse=True)
    return [*([Path(named), Path(named) / "tessdata"] if named else []), data_dir / "tessdata", *debian]


def languages_for(script: Script, folder: Path) -> str:
    """What Tesseract is asked for, such as "rus". Raises EngineError `language_missing`."""
    first, *others = LANGUAGES[script]
    if not (folder / f"{first}.traineddata").is_file():
        raise EngineError(
            "language_missing",
            f"reading {script} needs the Tesseract language {first}, and {folder} has no "
            f"{first}.traineddata; on Debian: apt-get install tesseract-ocr-{first.replace('_', '-')}",
        )
    installed = [name for name in others if (folder / f"{name}.traineddata").is_file()]
    return "+".join([first, *installed])


def combined_sha256(folder: Path) -> str:
    """Identity of the installed language data that may be used."""
    names = sorted({name for group in LANGUAGES.values() for name in group})
    paths = [folder / f"{name}.traineddata" for name in names]
    return _digest(tuple((str(path), path.stat().st_mtime_ns) for path in paths if path.is_file()))


@cache
def _digest(files: tuple[tuple[str, int], ...]) -> str:
    digest = hashlib.sha256()
    for name, _changed in files:
        path = Path(name)
        digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
