"""What a person may type as the address of a camera."""

import pytest

from apps.cameras.addresses import Credentials, address_parse, kind_of
from apps.core.errors import DomainError


@pytest.mark.parametrize(
    ("kind", "typed", "stored"),
    [
        ("rtsp", "rtsp://10.0.0.7/stream1", "rtsp://10.0.0.7/stream1"),
        ("rtsp", " rtsps://cam.example:322/a?channel=1 ", "rtsps://cam.example:322/a?channel=1"),
        ("rtsp", "rtsp://[fd00::7]:554/a", "rtsp://[fd00::7]:554/a"),
        ("mjpeg", "http://10.0.0.7/video.mjpg#x", "http://10.0.0.7/video.mjpg"),
        ("hls", "https://cam.example/live/index.m3u8", "https://cam.example/live/index.m3u8"),
        ("file", "clips/lobby.mp4", "clips/lobby.mp4"),
        ("file", "/srv/media/lobby one.mp4", "/srv/media/lobby one.mp4"),
        ("usb", "/dev/video0", "/dev/video0"),
        ("synthetic", "clock", "clock"),
    ],
)
def test_it_takes_an_address_of_its_kind(kind, typed, stored):
    address = address_parse(kind, typed)
    assert (address.url, address.credentials) == (stored, None)


@pytest.mark.parametrize(
    ("typed", "credentials"),
    [
        ("rtsp://admin:s3cret@10.0.0.7/a", Credentials("admin", "s3cret")),
        ("rtsp://admin:p%40ss%3Aword@10.0.0.7/a", Credentials("admin", "p@ss:word")),
        ("rtsp://admin@10.0.0.7/a", Credentials("admin", "")),
        ("rtsp://a@b:xyzzy@10.0.0.7/a", Credentials("a@b", "xyzzy")),
    ],
)
def test_it_parts_credentials_from_the_address(typed, credentials):
    address = address_parse("rtsp", typed)
    assert (address.url, address.credentials) == ("rtsp://10.0.0.7/a", credentials)
    assert repr(address.credentials) == "Credentials(…)"


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        ("rtsp", ""),
        ("rtsp", "rtsp://"),
        ("rtsp", "rtsp:///stream"),
        ("rtsp", "http://10.0.0.7/a"),
        ("rtsp", "file:///etc/passwd"),
        ("rtsp", "concat:/etc/passwd|/etc/shadow"),
        ("rtsp", "rtsp://10.0.0.7:0/a"),
        ("rtsp", "rtsp://10.0.0.7:99999/a"),
        ("rtsp", "rtsp://[fe80::1/a"),
        ("rtsp", "rtsp://10.0.0.7/a\r\nHost: x"),
        ("rtsp", "rtsp://10.0.0.7/" + "a" * 500),
        ("mjpeg", "rtsp://10.0.0.7/a"),
        ("hls", "subfile:http://10.0.0.7/a"),
        ("file", "../../etc/passwd"),
        ("file", "clips/../../secret.mp4"),
        ("file", "http://10.0.0.7/a.mp4"),
        ("file", "a\x00b"),
        ("usb", "/dev/sda"),
        ("usb", "/dev/video0/../sda"),
        ("synthetic", "clock; rm -rf /"),
        ("carrier pigeon", "coop 7"),
    ],
)
def test_it_refuses_what_is_no_address_of_its_kind(kind, typed):
    with pytest.raises(DomainError) as refused:
        address_parse(kind, typed)
    assert refused.value.code in ("invalid_address", "invalid_source")


@pytest.mark.parametrize("query", ["user=a&password=hunter2", "pwd=hunter2", "auth_token=hunter2"])
def test_it_refuses_a_secret_among_the_parameters(query):
    with pytest.raises(DomainError) as refused:
        address_parse("mjpeg", f"http://10.0.0.7/video?{query}")
    assert refused.value.code == "address_holds_secret"
    assert "hunter2" not in refused.value.message


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("rtsp://a/b", "rtsp"),
        ("https://a/live.M3U8?x=1", "hls"),
        ("http://a/video", "mjpeg"),
        ("/dev/video2", "usb"),
        ("/srv/clip.mp4", "file"),
    ],
)
def test_it_guesses_the_kind_of_an_address(typed, kind):
    assert kind_of(typed) == kind
