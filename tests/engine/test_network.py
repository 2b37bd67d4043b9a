"""Which addresses a source may reach."""

import ipaddress

import pytest

from inference_workers.contracts.lease import SourceKind
from inference_workers.engine.errors import EngineError
from inference_workers.engine.sources.network import SCHEMES, check_url, is_allowed, parse_networks
from inference_workers.engine.sources.scrub import scrub

RTSP, HTTP = SCHEMES[SourceKind.RTSP], SCHEMES[SourceKind.HLS]
NAMES = {
    "camera.example": ["93.184.216.34"],
    "rebind.example": ["127.0.0.1"],
    "both.example": ["127.0.0.1", "93.184.216.34"],
    "lan.example": ["10.1.2.3"],
    "2130706433": ["127.0.0.1"],
    "0x7f.1": ["127.0.0.1"],
}


def resolver(host: str, _port: int) -> list[str]:
    if host in NAMES:
        return NAMES[host]
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError as error:
        raise OSError("no such name") from error


def check(url: str, schemes: frozenset[str] = RTSP, allowed: tuple[str, ...] = ()) -> str:
    try:
        return check_url(url, schemes, parse_networks(allowed), resolver).address
    except EngineError as error:
        return error.code


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("rtsp://camera.example/live", "93.184.216.34"),
        ("rtsps://camera.example:322/live", "93.184.216.34"),
        ("rtsp://both.example/live", "93.184.216.34"),
        ("rtsp://rebind.example/live", "network_refused"),
        ("rtsp://lan.example/live", "network_refused"),
        ("rtsp://2130706433/live", "network_refused"),
        ("rtsp://0x7f.1/live", "network_refused"),
        ("rtsp://127.0.0.1/live", "network_refused"),
        ("rtsp://0.0.0.0/live", "network_refused"),
        ("rtsp://169.254.169.254/latest/meta-data", "network_refused"),
        ("rtsp://224.0.0.1/live", "network_refused"),
        ("rtsp://255.255.255.255/live", "network_refused"),
        ("rtsp://100.100.100.200/live", "network_refused"),
        ("rtsp://[::1]/live", "network_refused"),
        ("rtsp://[::ffff:127.0.0.1]/live", "network_refused"),
        ("rtsp://[::ffff:10.0.0.1]/live", "network_refused"),
        ("rtsp://[64:ff9b::7f00:1]/live", "network_refused"),
        ("rtsp://[2002:7f00:1::]/live", "network_refused"),
        ("rtsp://[fe80::1]/live", "network_refused"),
        ("rtsp://[fd00:ec2::254]/live", "network_refused"),
        ("rtsp://nobody.example/live", "name_not_found"),
        ("rtsp://alice:secret@camera.example/live", "credentials_in_url"),
        ("rtsp://alice@camera.example/live", "credentials_in_url"),
        ("http://camera.example/live", "scheme_refused"),
        ("file:///etc/passwd", "scheme_refused"),
        ("/etc/passwd", "scheme_refused"),
        ("concat:/etc/passwd|/etc/hosts", "scheme_refused"),
        ("subfile:,,start,0,end,9,,:/etc/passwd", "scheme_refused"),
        ("tcp://camera.example:22", "scheme_refused"),
        ("rtsp+file://camera.example", "scheme_refused"),
        ("rtsp://camera.example:0/x", "url_invalid"),
        ("rtsp://camera.example:99999/x", "url_invalid"),
        ("rtsp:///x", "url_invalid"),
        ("rtsp://camera.example/a\r\nHost: x", "url_invalid"),
        ("rtsp://camera.example\\@127.0.0.1/", "url_invalid"),
        ("rtsp://" + "a" * 3000, "url_invalid"),
    ],
)
def test_without_a_list_only_public_addresses_pass(url: str, expected: str) -> None:
    assert check(url) == expected


@pytest.mark.parametrize(
    ("url", "allowed", "expected"),
    [
        ("rtsp://10.1.2.3/x", ("10.1.0.0/16",), "10.1.2.3"),
        ("rtsp://10.2.2.3/x", ("10.1.0.0/16",), "network_refused"),
        ("rtsp://127.0.0.1/x", ("127.0.0.0/8",), "127.0.0.1"),
        ("rtsp://[::ffff:10.1.2.3]/x", ("10.1.0.0/16",), "::ffff:a01:203"),
        ("rtsp://127.0.0.1/x", ("0.0.0.0/0",), "network_refused"),
        ("rtsp://169.254.169.254/x", ("0.0.0.0/0",), "network_refused"),
        ("rtsp://[::1]/x", ("::/0",), "network_refused"),
        ("rtsp://10.1.2.3/x", ("0.0.0.0/0",), "10.1.2.3"),
        ("rtsp://10.1.2.3/x", ("ten.one",), "networks_invalid"),
    ],
)
def test_a_list_opens_what_it_names(url: str, allowed: tuple[str, ...], expected: str) -> None:
    assert check(url, allowed=allowed) == expected


def test_an_address_is_never_repeated_in_an_error_about_credentials() -> None:
    with pytest.raises(EngineError) as caught:
        check_url("rtsp://alice:canary@camera.example/x", RTSP, (), resolver)
    assert "canary" not in str(caught.value)


def test_multicast_is_no_public_address() -> None:
    assert not is_allowed(ipaddress.ip_address("239.1.1.1"), ())
    assert not is_allowed(ipaddress.ip_address("ff0e::1"), ())


@pytest.mark.parametrize(
    "text",
    [
        "Server returned 401: rtsp://alice:p@ss/w@10.0.0.1:554/live",
        "authorization: Digest username=alice, response=p@ss/w",
        "the password p@ss/w was wrong, also p%40ss%2Fw",
    ],
)
def test_a_password_leaves_no_trace_in_text(text: str) -> None:
    scrubbed = scrub(text, ["p@ss/w"])
    assert "p@ss" not in scrubbed
    assert "p%40ss" not in scrubbed
