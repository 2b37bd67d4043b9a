"""What checks a pack without us: scripts for Python, and one page that needs a browser and no network.

The page for packs checks the extract of the record too, with the very lines of the page for records.
"""

from functools import cache
from pathlib import Path

from apps.audit import standalone as record_standalone
from apps.evidence import standalone as pack_standalone

PAGE, SCRIPT = "verify.html", "verify_pack.py"
RECORD_PAGE, RECORD_SCRIPT = "verify_record.html", "verify_record.py"
_BEGINS, _ENDS = "// --- checks of a record ---", "// --- the page ---"
_PLACE = "// --- checks of a record stand here ---"


@cache
def verifier_files() -> dict[str, bytes]:
    """The files as they lie in every pack, by name."""
    return {
        PAGE: _pack_page().encode(),
        SCRIPT: (_folder(pack_standalone) / SCRIPT).read_bytes(),
        RECORD_PAGE: (_folder(record_standalone) / RECORD_PAGE).read_bytes(),
        RECORD_SCRIPT: (_folder(record_standalone) / RECORD_SCRIPT).read_bytes(),
    }


def _pack_page() -> str:
    page = (_folder(pack_standalone) / PAGE).read_text()
    record = (_folder(record_standalone) / RECORD_PAGE).read_text()
    _before, begins, rest = record.partition(_BEGINS)
    checks, ends, _after = rest.partition(_ENDS)
    if not (begins and ends and page.count(_PLACE) == 1):
        raise RuntimeError(f"{PAGE} and {RECORD_PAGE} have lost the marks at which they are joined")
    return page.replace(_PLACE, f"{_BEGINS}{checks}")


def _folder(package: object) -> Path:
    (folder,) = package.__path__  # type: ignore[attr-defined]  # a package of one folder
    return Path(folder)
