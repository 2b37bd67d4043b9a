// Tracks of a redacted film: where they are at a moment, and the place of a box on the screen.

/** Clockwise rotation on display: a point of the decoded picture as it is seen, both as shares. */
function turned([x, y], degrees) {
  switch (degrees) {
    case 90: return [1 - y, x];
    case 180: return [1 - x, 1 - y];
    case 270: return [y, 1 - x];
    default: return [x, y];
  }
}

function turnedBox([left, top, right, bottom], degrees) {
  const [ax, ay] = turned([left, top], degrees);
  const [bx, by] = turned([right, bottom], degrees);
  return [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)];
}

export const shown = (box, degrees) => turnedBox(box, degrees);
export const decoded = (box, degrees) => turnedBox(box, (360 - degrees) % 360);

/** The box of a track at a moment, or null when it covers nothing then. */
export function boxAt(track, at) {
  if (at < track.covered_from_s || at > track.covered_until_s) return null;
  const { points } = track;
  let after = points.findIndex((point) => point[0] >= at);
  if (after < 0) after = points.length - 1;
  const before = Math.max(0, points[after][0] >= at ? after - 1 : after);
  const gap = points[after][0] - points[before][0];
  const share = gap > 0 ? Math.min(1, Math.max(0, (at - points[before][0]) / gap)) : 0;
  return [1, 2, 3, 4].map((side) => points[before][side] * (1 - share) + points[after][side] * share);
}

/** Minutes, seconds and tenths. */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  const minutes = Math.floor(whole / 60);
  return `${minutes}:${String(whole % 60).padStart(2, "0")}.${Math.floor((seconds - whole) * 10)}`;
}
