"""Zones with a detector of their own: what part of the picture it sees, and whose finds count where.

A zone's detector sees the zone with its surroundings, enlarged to its input: small things far away get more
pixels than they have in the whole picture. What stands in the zone (its foot does) is what the zone's
detector found; everywhere else the camera's counts. Where zones overlap the first of them counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from inference_workers.contracts.frames import Found
from inference_workers.contracts.lease import ModelRef, Zone
from inference_workers.engine.zones import ZoneMap

# What stands at the edge of a zone reaches beyond it: aside by a part of the zone, upwards by all of it.
AROUND = 0.25
ABOVE = 1.0
LEAST_SIDE = 0.05

Crop = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class ZoneParts:
    """What the detectors of zones found in one frame, and by which version, both by zone id."""

    found: Mapping[str, tuple[Found, ...]] = field(default_factory=dict)
    models: Mapping[str, ModelRef] = field(default_factory=dict)


def crop_of(zone: Zone) -> Crop:
    """The part of the picture (normalised left, top, right, bottom) that the zone's detector sees."""
    xs, ys = zip(*zone.polygon, strict=True)
    width, height = max(max(xs) - min(xs), LEAST_SIDE), max(max(ys) - min(ys), LEAST_SIDE)
    return (
        max(0.0, min(xs) - AROUND * width),
        max(0.0, min(ys) - ABOVE * height),
        min(1.0, max(xs) + AROUND * width),
        min(1.0, max(ys) + AROUND * height),
    )


def counted(whole: Sequence[Found], parts: ZoneParts, zones: ZoneMap) -> tuple[Found, ...]:
    """The finds that count: those of the whole picture outside of the zones, and each zone's in it."""
    kept = [found for found in whole if zones.detected_in(found.box_xyxy) not in parts.found]
    for zone_id, found in parts.found.items():
        kept += [item for item in found if zones.detected_in(item.box_xyxy) == zone_id]
    return tuple(kept)
