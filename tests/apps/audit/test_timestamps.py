"""Time stamps of a foreign authority (RFC 3161), against one made here with openssl."""

import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.audit import services as audit
from apps.audit import timestamps
from apps.audit.chain import canonical
from apps.audit.checkpoints import checkpoints_make
from apps.audit.selectors import checkpoint_state

CONFIG = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[usage]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Address and root certificate of a time-stamping authority on loopback."""
    folder = tmp_path_factory.mktemp("tsa")
    (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))
    (folder / "serial").write_text("01")
    key = ("-newkey", "rsa:2048", "-nodes")
    openssl(folder, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Root",
            "-days", "2", "-addext", "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip
    openssl(folder, "req", *key, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Stamps")
    openssl(folder, "x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", "tsa.pem", "-days", "2", "-extfile", "tsa.cnf", "-extensions", "usage")  # fmt: skip

    class Stamps(BaseHTTPRequestHandler):
        def do_POST(self):
            (folder / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            openssl(folder, "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply")
            self.send_response(200)
            self.end_headers()
            self.wfile.write((folder / "reply").read_bytes())

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Stamps)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", folder / "ca.pem"
    server.shutdown()
    server.server_close()


@pytest.fixture
def asked(authority, settings):
    settings.TSA_URL, settings.TSA_ROOTS = authority[0], str(authority[1])


@pytest.mark.usefixtures("asked")
def test_a_time_stamp_holds_for_what_was_stamped_and_for_nothing_else():
    stamp = timestamps.time_stamp(b"the head of the chain")
    assert stamp is not None
    assert timestamps.time_stamp_holds(stamp, b"the head of the chain")
    assert not timestamps.time_stamp_holds(stamp, b"another head")


@pytest.mark.usefixtures("asked")
@pytest.mark.django_db
def test_a_checkpoint_carries_its_time_stamp(settings, tmp_path):
    settings.CHECKPOINT_URL = (tmp_path / "checkpoints").as_uri()
    audit.record_access(action="event.view", object_type="event", object_id="1")
    assert checkpoints_make(force=True) == 1
    document = json.loads(next((tmp_path / "checkpoints").iterdir()).read_bytes())
    assert timestamps.time_stamp_holds(document["time_stamp"], canonical(document["statement"]))
    assert checkpoint_state().time_stamped


@pytest.mark.usefixtures("asked")
@pytest.mark.django_db
def test_a_time_stamp_that_was_exchanged_is_told(settings, tmp_path, capsys):
    settings.CHECKPOINT_URL = (tmp_path / "checkpoints").as_uri()
    audit.record_access(action="event.view", object_type="event", object_id="1")
    checkpoints_make(force=True)
    call_command("audit", "verify")
    assert "1 time stamps of a foreign authority hold" in capsys.readouterr().out
    file = next((tmp_path / "checkpoints").iterdir())
    document = json.loads(file.read_bytes()) | {"time_stamp": timestamps.time_stamp(b"a head of long ago")}
    file.chmod(0o644)
    file.write_bytes(canonical(document))
    with pytest.raises(CommandError, match=r"chain is good, but 1 time stamps do not fit .* \(0\)"):
        call_command("audit", "verify")


def test_an_authority_that_is_away_or_foreign_gives_no_time_stamp(authority, settings, tmp_path):
    settings.TSA_URL = "http://127.0.0.1:9/"
    assert timestamps.time_stamp(b"content") is None
    settings.TSA_URL = "file:///etc/passwd"
    assert timestamps.time_stamp(b"content") is None
    openssl(tmp_path, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "k", "-out", "other.pem",
            "-subj", "/CN=Other", "-days", "2")  # fmt: skip
    settings.TSA_URL, settings.TSA_ROOTS = authority[0], str(tmp_path / "other.pem")
    assert timestamps.time_stamp(b"content") is None


def test_none_is_asked_unless_an_address_is_set(settings):
    assert settings.TSA_URL == ""
    assert timestamps.time_stamp(b"content") is None
