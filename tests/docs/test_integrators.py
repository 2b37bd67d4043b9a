"""The guide for integrators is true: its addresses exist, and its first program runs."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.urls import Resolver404, resolve

from apps.accounts.models import Role, TokenAction, User
from apps.accounts.services import token_create, user_create
from apps.cameras.models import Camera, Site
from apps.cameras.services import grant_give
from apps.core.context import audit_context, system_context

GUIDE = (Path(__file__).resolve().parents[2] / "docs/integrators.md").read_text()
_ADDRESS = re.compile(r"/api/v1/[\w/]+")
AN_ID = "6d1f4a52-8d1a-4e56-9f0e-0c6a6b0d9a11"


def programs() -> list[str]:
    return re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


def exists(address: str) -> bool:
    try:
        resolve(address)
    except Resolver404:
        return False
    return True


def test_every_address_exists() -> None:
    addresses = {address.replace("/ID", f"/{AN_ID}") for address in _ADDRESS.findall(GUIDE)} - {"/api/v1/"}
    assert addresses
    assert [address for address in sorted(addresses) if not exists(address)] == []


@pytest.mark.parametrize("program", programs())
def test_every_program_compiles(program: str) -> None:
    compile(program, "docs/integrators.md", "exec")


@pytest.mark.django_db(transaction=True)
def test_the_first_program_lists_the_cameras_that_are_granted(
    live_server: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with audit_context(system_context("test")):
        adam = user_create(
            acting_user=None, username="adam", password="zomepu-nozozu-494", role=Role.ADMINISTRATOR
        )
        robot = user_create(
            acting_user=adam, username="robot", password="zomepu-nozozu-495", role=Role.INTEGRATOR
        )
        token = token_for(robot, adam)
    sites = [Site.objects.create(name=name) for name in ("Harbour office", "Depot")]
    for site in sites:
        Camera.objects.create(site=site, name=f"{site.name} lobby", kind="synthetic", url="clock")
    grant_give(acting_user=adam, user=robot, site=sites[0], permission="watch")
    monkeypatch.setenv("VIDETTE", live_server.url)
    monkeypatch.setenv("TOKEN", token)
    exec(programs()[0], {})
    printed = capsys.readouterr().out
    assert "Harbour office lobby" in printed
    assert "Depot" not in printed


def token_for(robot: User, adam: User) -> str:
    actions = [TokenAction.CAMERAS_READ, TokenAction.EVENTS_READ]
    return token_create(acting_user=adam, user=robot, name="reports", actions=actions)[1]
