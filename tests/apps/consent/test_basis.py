"""What may be done at a moment: the rules, without a database."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from apps.consent import basis
from apps.consent.basis import Entry, Scope, Site, basis_judge
from apps.consent.models import Consent, Purpose, PurposeOrigin

CAMERA, GROUP, ZONE, SUBJECT = uuid4(), uuid4(), uuid4(), uuid4()
SITE = Site(CAMERA, frozenset({GROUP}), "Europe/Helsinki")
NOON = datetime(2026, 11, 23, 10, tzinfo=UTC)  # Monday, 12:00 in Helsinki
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SQUARE = ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9))


def purpose(stages: str = "view detect", **fields: object) -> Purpose:
    values = {"lawful_basis": "public_task", "valid_from": NOON - DAY, "zone_polygon": SQUARE, **fields}
    return Purpose(stages=stages.split(), **values)


def consent(stages: str = "view detect text", **fields: object) -> Consent:
    return Consent(stages=stages.split(), **{"given_at": NOON - DAY, **fields})


def scope(of: Consent, *, cameras=(CAMERA,), groups=(), purposes=()) -> Scope:
    return Scope(of, frozenset(cameras), frozenset(groups), frozenset(purposes))


def judge(*entries: Purpose | Entry, at: datetime = NOON, polygons: dict[UUID, object] | None = None):
    found = [item if isinstance(item, Entry) else Entry(item, {}) for item in entries]
    return basis_judge(found, polygons or {}, SITE, at)


def consented(*scopes: Scope, stages: str = "view detect", **fields: object) -> Entry:
    return Entry(purpose(stages, lawful_basis="consent", **fields), {SUBJECT: scopes})


def test_without_an_entry_nothing_is_allowed():
    assert judge() == basis.Basis(frozenset(), basis.NO_PURPOSE)


def test_entries_add_up():
    found = judge(purpose("view"), purpose("text train"))
    assert found.stages == {"view", "text", "train"}
    assert (found.code, found.streams, len(found.entries)) == (basis.IN_FORCE, True, 2)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"valid_from": NOON + HOUR}, basis.NOT_YET),
        ({"valid_until": NOON}, basis.EXPIRED),
        ({"valid_until": NOON, "origin": PurposeOrigin.TRIAL}, basis.TRIAL_ENDED),
        ({"opening_hours": {"mon": [["08:00", "12:00"]]}}, basis.CLOSED),
        ({"opening_hours": {"tue": [["08:00", "18:00"]]}}, basis.CLOSED),
        ({"lawful_basis": "consent"}, basis.CONSENT_MISSING),
        ({"stages": "train"}, basis.NOTHING_TO_STREAM),
    ],
)
def test_it_says_why_nothing_is_allowed(fields, code):
    found = judge(purpose(**fields))
    assert (found.code, found.streams) == (code, False)


def test_a_consent_counts_where_it_reaches_and_for_its_stages():
    assert judge(consented(scope(consent("view")))).stages == {"view"}
    assert judge(consented(scope(consent(), cameras=(), groups=(GROUP,)))).stages == {"view", "detect"}
    assert judge(consented(scope(consent(), cameras=(uuid4(),)))).stages == set()
    entry = consented()
    entry = Entry(entry.purpose, {SUBJECT: [scope(consent(), cameras=(), purposes=(entry.purpose.pk,))]})
    assert judge(entry).stages == {"view", "detect"}


@pytest.mark.parametrize(
    "fields",
    [{"withdrawn_at": NOON}, {"expires_at": NOON}, {"given_at": NOON + HOUR}],
)
def test_a_consent_that_does_not_stand_counts_for_nothing(fields):
    found = judge(consented(scope(consent(**fields))))
    assert (found.stages, found.code) == (frozenset(), basis.CONSENT_MISSING)


def test_every_person_has_to_agree():
    entry = consented(scope(consent()))
    both = Entry(entry.purpose, {**entry.needed, uuid4(): [scope(consent("view"))]})
    assert judge(both).stages == {"view"}
    assert judge(Entry(entry.purpose, {**entry.needed, uuid4(): []})).stages == set()


def test_a_withdrawn_consent_leaves_what_stands_on_another_basis():
    withdrawn = consented(scope(consent(withdrawn_at=NOON)), stages="view detect text")
    assert judge(withdrawn, purpose("view")).stages == {"view"}


def test_a_zone_narrows_and_never_widens():
    found = judge(purpose("view detect"), purpose("view text", zone_uuid=ZONE))
    (limit,) = found.zones
    assert (limit.stages, limit.polygon) == ({"view"}, SQUARE)
    assert found.stages == {"view", "detect"}


def test_a_zone_without_an_entry_in_force_may_do_nothing():
    (limit,) = judge(purpose(), purpose(zone_uuid=ZONE, valid_until=NOON)).zones
    assert limit.stages == set()
    assert judge(purpose(), purpose(zone_uuid=ZONE, ended_at=NOON)).zones == ()
    assert judge(purpose(), purpose(zone_uuid=ZONE, valid_from=NOON + HOUR)).zones == ()


def test_a_zone_is_where_it_is_drawn_now():
    moved = ((0.0, 0.0), (0.2, 0.0), (0.2, 0.2))
    (limit,) = judge(purpose(), purpose(zone_uuid=ZONE), polygons={ZONE: moved}).zones
    assert limit.polygon == moved


@pytest.mark.parametrize(
    "entry",
    [
        purpose(valid_until=NOON + HOUR),
        purpose(opening_hours={"mon": [["08:00", "13:00"]]}),
        consented(scope(consent(expires_at=NOON + HOUR))),
    ],
)
def test_it_tells_the_moment_from_which_less_is_allowed(entry):
    assert judge(entry).narrows_at == NOON + HOUR
    assert judge(entry, purpose()).narrows_at is None  # another entry allows the same


def test_midnight_between_two_spans_narrows_nothing():
    through = purpose(opening_hours={"mon": [["08:00", "24:00"]], "tue": [["00:00", "06:00"]]})
    assert judge(through, at=NOON + 11 * HOUR).narrows_at is None
    assert judge(through, at=NOON + 13 * HOUR).narrows_at == NOON + 18 * HOUR


def test_a_zone_entry_that_begins_narrows():
    assert judge(purpose(), purpose("view", zone_uuid=ZONE, valid_from=NOON + HOUR)).narrows_at == NOON + HOUR
