"""The whole way on real clips: CenterFace looks five times a second, YuNet looks at what is displayed."""

import pytest

from benchmarks.live_privacy import Setting, measure, open_detector, open_yunet, read_material
from tests.engine.second_look import SHARED, needs_shared


@needs_shared
@pytest.mark.parametrize(("clip", "looks"), [("cam07", 5.0), ("cam13", 2.5)])
def test_no_face_is_found_in_what_is_displayed(clip, looks):
    setting = Setting(looks=looks, displayed=40)
    detectors = {(setting.model, setting.side): open_detector(setting.model, setting.side, SHARED)}
    yunet = open_yunet(SHARED)
    material = read_material(next((SHARED / "video").glob(f"{clip}*")), detectors, yunet)
    outcome = measure(material, setting, yunet)
    assert (outcome.shown, outcome.mosaics) == (40, 0)
    assert outcome.raw_faces == 40
    assert outcome.leaking == 0
    assert outcome.covered_share / 40 < 0.2
