"""The zone editor in a browser: drawn with the mouse, typed with the keyboard, refused in words."""

import pytest
from playwright.sync_api import Page, expect


def _click(page: Page, x: float, y: float) -> None:
    """Into the picture, at shares of its size."""
    area = page.locator("[data-over]").bounding_box()
    assert area is not None
    page.mouse.click(area["x"] + x * area["width"], area["y"] + y * area["height"])


@pytest.fixture
def editor(visit, adam, camera) -> Page:
    page = visit(adam, f"/cameras/{camera.pk}/zones/add/").page
    page.get_by_label("Name", exact=True).fill("Door")
    return page


def _polygon(camera) -> list[list[float]]:
    (zone,) = camera.zones.all()
    assert zone.name == "Door"
    return zone.polygon


def test_a_zone_is_drawn_dragged_and_saved(editor, camera):
    for x, y in ((0.2, 0.2), (0.8, 0.2), (0.5, 0.5)):
        _click(editor, x, y)
    area = editor.locator("[data-over]").bounding_box()
    editor.mouse.move(area["x"] + 0.5 * area["width"], area["y"] + 0.5 * area["height"])
    editor.mouse.down()
    editor.mouse.move(area["x"] + 0.6 * area["width"], area["y"] + 0.9 * area["height"], steps=3)
    editor.mouse.up()
    expect(editor.locator("#points li")).to_have_count(3)
    editor.get_by_role("button", name="Save").click()
    editor.wait_for_url(f"**/cameras/{camera.pk}/")
    drawn = _polygon(camera)
    for point, wanted in zip(drawn, ((0.2, 0.2), (0.8, 0.2), (0.6, 0.9)), strict=True):
        assert point == pytest.approx(wanted, abs=0.01)


def test_a_zone_is_typed_with_the_keyboard_alone(editor, camera):
    for place, (x, y) in enumerate((("10", "10"), ("90", "10"), ("90", "80")), start=1):
        editor.get_by_role("button", name="Add a point").press("Enter")
        inputs = editor.locator(f"#points li:nth-child({place}) input")
        inputs.nth(0).fill(x)
        inputs.nth(1).fill(y)
    editor.get_by_role("button", name="Save").press("Enter")
    editor.wait_for_url(f"**/cameras/{camera.pk}/")
    assert _polygon(camera) == [[0.1, 0.1], [0.9, 0.1], [0.9, 0.8]]


def test_two_points_are_no_zone(editor, camera):
    _click(editor, 0.2, 0.2)
    _click(editor, 0.8, 0.2)
    editor.get_by_role("button", name="Save").click()
    expect(editor.locator("#points-problem")).to_be_visible()
    assert not camera.zones.exists()
