"""The pure parts of the streams process: ledger, status, back-off, leases, the analysis' deadlines."""

import time
from dataclasses import replace

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from inference_workers.contracts.codec import encode
from inference_workers.contracts.comparison import Role
from inference_workers.contracts.frames import AnalyseBatch, BatchItem, BatchReply, FrameRef, ItemResult
from inference_workers.contracts.lease import Stage
from inference_workers.contracts.results import CameraState
from inference_workers.engine.errors import EngineError
from inference_workers.engine.sources.messages import Tally
from inference_workers.streams.accounting import FrameLedger
from inference_workers.streams.analysis import Analysis
from inference_workers.streams.leases import open_credentials, read_leases
from inference_workers.streams.looks import Answer, Look, Request
from inference_workers.streams.status import Backoff, StatusBook
from inference_workers.streams.supervisor import owns
from tests.workers.stream_parts import (
    FACE_MODEL,
    LEASE_KEY,
    OBJECT_MODEL,
    SYNTHETIC,
    make_lease,
    seal,
    wait_for,
)

FACES = Look(Stage.FACES)
EVENT = st.sampled_from(["place", "rate", "full", "analysed", "skipped", "lost", "end"])


@given(st.lists(EVENT, max_size=200))
def test_the_account_balances_after_every_event(events: list[str]) -> None:
    ledger = FrameLedger("cam", "e")
    counts = {"place": 0, "rate": 0, "full": 0}
    for event in events:
        if event in counts:
            counts[event] += 1
            ledger.note(Tally(sum(counts.values()), counts["rate"], counts["full"], 0))
        elif event == "end":
            ledger.end_of_decoder()
            counts = dict.fromkeys(counts, 0)
        elif ledger.in_flight:
            {
                "analysed": ledger.close_analysed,
                "skipped": lambda: ledger.close_skipped("no_motion"),
                "lost": lambda: ledger.close_lost("worker_timeout"),
            }[event]()
        assert ledger.account(1.0).balances()
        assert ledger.in_flight >= 0


@pytest.mark.parametrize("tally", [Tally(1, 0, 0, 0), Tally(9, 9, 9, 0), Tally(6, 1, 0, 0)])
def test_counts_that_do_not_add_up_are_refused(tally: Tally) -> None:
    ledger = FrameLedger("cam", "e")
    ledger.note(Tally(5, 2, 0, 0))
    with pytest.raises(ValueError, match="expected counts"):
        ledger.note(tally)
    assert ledger.account(1.0).balances()


def test_a_frame_is_closed_once() -> None:
    ledger = FrameLedger("cam", "e")
    ledger.note(Tally(1, 0, 0, 0))
    ledger.close_analysed()
    with pytest.raises(ValueError, match="twice"):
        ledger.close_lost("x")


def stream(
    book: StatusBook, seconds: float, *, start: float = 0.0, same: bool = False, broken: int = 0
) -> float:
    now = start
    for number in range(int(seconds * 10)):
        now = start + number / 10
        digest = 1 if same else int(now * 10) + 2
        book.frame(now, digest, Tally(int(now * 10) + 1, 0, 0, broken * number))
        book.look(now)
    return now


def test_silence_is_a_stall_after_three_seconds() -> None:
    book = StatusBook("cam", "e")
    now = stream(book, 5)
    assert book.state is CameraState.STREAMING
    book.look(now + 2.5)
    assert book.state is CameraState.STREAMING
    book.look(now + 3.5)
    assert book.state is CameraState.STALLED


def test_identical_pictures_are_frozen_after_eight_seconds_of_a_live_source() -> None:
    book, file = StatusBook("cam", "e"), StatusBook("cam", "e", detects_freeze=False)
    stream(book, 8, same=True)
    assert book.state is CameraState.STREAMING
    stream(book, 2, start=8, same=True)
    stream(file, 10, same=True)
    assert book.state is CameraState.FROZEN
    assert file.state is CameraState.STREAMING
    stream(book, 1, start=10)
    assert book.state is CameraState.STREAMING


def test_many_broken_packets_are_bad_data() -> None:
    book = StatusBook("cam", "e")
    stream(book, 5, broken=2)
    assert book.state is CameraState.BAD_DATA


def test_a_status_is_told_on_change_and_every_five_seconds() -> None:
    book = StatusBook("cam", "e")
    told = [at / 10 for at in range(120) if book.due(at / 10, None) is not None]
    assert told == [0.0, 5.0, 10.0]
    book.ended("sign_in_refused", "x" * 1000, 4.0)
    status = book.due(11.0, None)
    assert status is not None
    assert (status.state, status.code, status.retry_in_s) == (CameraState.REFUSED, "sign_in_refused", 4.0)
    assert len(status.detail) == 300


def test_the_rate_counts_decoded_frames() -> None:
    book = StatusBook("cam", "e")
    now = stream(book, 6)
    status = book.due(now, now)
    assert status is not None
    assert status.fps == 10.0


def test_a_burst_of_late_frames_is_no_rate() -> None:
    book = StatusBook("cam", "e")
    now = stream(book, 6)
    book.due(now, now)
    for number in range(30):
        book.frame(now + 4 + number / 10_000, number, Tally(100 + number, 0, 0, 0))
    book.look(now + 4)
    status = book.due(now + 5, now)
    assert status is not None
    assert status.fps == 10.0


def test_the_back_off_leaves_room_for_a_hanging_attempt() -> None:
    backoff = Backoff()
    waits = [backoff.next_wait_s("unreachable") for _ in range(12)]
    assert waits[0] <= 1.0
    assert max(waits) <= 8.0
    assert max([backoff.next_wait_s("sign_in_refused") for _ in range(12)]) > 40
    backoff.reset()
    assert backoff.next_wait_s("unreachable") <= 1.0


def test_leases_are_read_one_by_one() -> None:
    good, late = make_lease("good"), make_lease("late", valid_until=5.0)
    table = read_leases(
        {
            b"good": encode(good).encode(),
            b"late": encode(late).encode(),
            b"other": encode(good).encode(),
            b"broken": b"{",
            b"huge": b"x" * 300_000,
            b"fast": encode(replace(make_lease("fast"), analysis_fps=0.0)).encode(),
        },
        now=10.0,
    )
    assert list(table.leases) == ["good"]
    assert set(table.problems) == {"other", "broken", "huge", "fast"}


def test_credentials_open_with_the_right_key_only() -> None:
    source = replace(SYNTHETIC, sealed_credentials=seal("alice", "canary"))
    credentials = open_credentials(source, LEASE_KEY)
    assert credentials is not None
    assert (credentials.username, credentials.password) == ("alice", "canary")
    assert "canary" not in repr(credentials)
    assert open_credentials(SYNTHETIC, LEASE_KEY) is None
    for key in ("A" * 43 + "=", "no key"):
        with pytest.raises(EngineError) as caught:
            open_credentials(source, key)
        assert caught.value.code == "credentials_unreadable"
        assert caught.value.__cause__ is None


@given(st.text(min_size=1), st.integers(1, 9))
def test_every_camera_belongs_to_one_shard(camera_id: str, shards: int) -> None:
    assert sum(owns(camera_id, shard, shards) for shard in range(shards)) == 1


def item(seq: int, camera_id: str = "cam") -> BatchItem:
    return BatchItem(FrameRef(camera_id, "e", seq, 1.0, "vidette-1-x-0", 0, 2, 8, 4))


class Broker:
    """Keeps what was sent; `fails` makes it refuse."""

    def __init__(self) -> None:
        self.sent: list[AnalyseBatch] = []
        self.fails = False

    def __call__(self, batch: AnalyseBatch) -> None:
        if self.fails:
            raise ConnectionError("no broker")
        self.sent.append(batch)


@pytest.fixture
def analysis(redis_url: str):
    client = redis.Redis.from_url(redis_url)
    broker = Broker()
    running = Analysis(broker, client, batch_size=2, max_wait_s=0.05, deadline_s=0.6, in_flight=2)
    running.start()
    yield running, broker, client
    running.stop()
    client.close()


def reply_to(batch: AnalyseBatch, sha256: str = FACE_MODEL.sha256, error: str | None = None) -> str:
    items = tuple(ItemResult(i.frame.camera_id, "e", i.frame.seq, error=error) for i in batch.items)
    return encode(BatchReply(batch.batch_id, batch.stage, "v", sha256, items, 1, 1, 1, "w"))


def submit(analysis: Analysis, answers: list[Answer], *seqs: int) -> None:
    for seq in seqs:
        analysis.submit(Request(FACES, FACE_MODEL, item(seq, f"cam {seq}")), answers.append)


def test_frames_of_several_submits_share_a_batch_and_are_answered_once(analysis) -> None:
    running, broker, client = analysis
    answers: list[Answer] = []
    submit(running, answers, 1, 2, 3)
    wait_for(lambda: len(broker.sent) == 2, 2, lambda: str(broker.sent))
    assert sorted(len(batch.items) for batch in broker.sent) == [1, 2]
    for batch in broker.sent:
        client.rpush(batch.reply_to, reply_to(batch), reply_to(batch))
    wait_for(lambda: len(answers) == 3, 2, lambda: str(answers))
    time.sleep(0.8)
    assert sorted(answer.seq for answer in answers) == [1, 2, 3]
    assert all(answer.lost == "" for answer in answers)


def test_the_queue_of_the_worker_stays_short_and_the_newest_frame_wins(analysis) -> None:
    running, broker, client = analysis
    answers: list[Answer] = []
    submit(running, answers, 1, 2, 3, 4)
    wait_for(lambda: len(broker.sent) == 2, 2, lambda: str(broker.sent))
    for seq in (10, 11, 12):
        running.submit(Request(FACES, FACE_MODEL, item(seq, "late")), answers.append)
    time.sleep(0.2)
    assert len(broker.sent) == 2
    assert [(answer.seq, answer.lost) for answer in answers] == [(10, "busy"), (11, "busy")]
    client.rpush(broker.sent[0].reply_to, reply_to(broker.sent[0]))
    wait_for(lambda: len(broker.sent) == 3, 2, lambda: "the place was not used again")
    assert [entry.frame.seq for entry in broker.sent[2].items] == [12]


def test_no_answer_is_a_loss_at_the_deadline(analysis) -> None:
    running, broker, client = analysis
    answers: list[Answer] = []
    start = time.monotonic()
    submit(running, answers, 1)
    wait_for(lambda: len(answers) == 1, 2, lambda: "no answer")
    assert answers[0].lost == "worker_timeout"
    assert 0.6 <= time.monotonic() - start < 1.2
    client.rpush(broker.sent[0].reply_to, reply_to(broker.sent[0]))
    time.sleep(0.4)
    assert len(answers) == 1


def test_a_broker_that_is_away_costs_the_frames_and_nothing_else(analysis) -> None:
    running, broker, _ = analysis
    broker.fails = True
    answers: list[Answer] = []
    submit(running, answers, 1, 2)
    wait_for(lambda: len(answers) == 2, 1, lambda: str(answers))
    assert {answer.lost for answer in answers} == {"broker_unavailable"}
    broker.fails = False
    submit(running, answers, 3)
    wait_for(lambda: len(broker.sent) == 1, 1, lambda: "not sent")


@pytest.mark.parametrize(
    ("changes", "lost"), [({"sha256": "f" * 64}, "model_mismatch"), ({"error": "NaN"}, "analysis_error")]
)
def test_an_answer_that_cannot_be_trusted_is_a_loss(analysis, changes: dict[str, str], lost: str) -> None:
    running, broker, client = analysis
    answers: list[Answer] = []
    submit(running, answers, 1)
    wait_for(lambda: len(broker.sent) == 1, 2, lambda: "not sent")
    client.rpush(broker.sent[0].reply_to, "garbage", reply_to(broker.sent[0], **changes))
    wait_for(lambda: len(answers) == 1, 1, lambda: "no answer")
    assert (answers[0].lost, answers[0].result) == (lost, None)


SHADOW = Look(Stage.DETECT, Role.SHADOW)


def test_shadows_leave_one_at_a_time_and_after_everything_that_serves(analysis) -> None:
    running, broker, client = analysis
    answers: list[Answer] = []
    for seq in (1, 2, 3):
        running.submit(Request(SHADOW, OBJECT_MODEL, item(seq, f"cam {seq}")), answers.append)
    wait_for(lambda: len(broker.sent) == 1, 2, lambda: str(broker.sent))
    submit(running, answers, 4)
    wait_for(lambda: len(broker.sent) == 2, 2, lambda: str(broker.sent))
    assert [batch.shadow for batch in broker.sent] == [True, False]
    client.rpush(broker.sent[0].reply_to, reply_to(broker.sent[0], OBJECT_MODEL.sha256))
    time.sleep(0.15)
    assert len(broker.sent) == 2  # the free place is kept for what serves
    client.rpush(broker.sent[1].reply_to, reply_to(broker.sent[1]))
    wait_for(lambda: len(broker.sent) == 3, 2, lambda: str(broker.sent))
    assert broker.sent[2].shadow
    wait_for(lambda: len(answers) == 4, 3, lambda: str(answers))
    assert running.figures.lost.keys() <= {"shadow_busy", "shadow_worker_timeout"}


def test_the_stand_in_may_answer_and_nobody_else(analysis) -> None:
    running, broker, client = analysis
    answers: list[Answer] = []
    old = replace(FACE_MODEL, version_id="v", sha256="e" * 64)
    running.submit(Request(FACES, FACE_MODEL, item(1), old), answers.append)
    wait_for(lambda: len(broker.sent) == 1, 2, lambda: "not sent")
    assert (broker.sent[0].model, broker.sent[0].fallback) == (FACE_MODEL, old)
    client.rpush(broker.sent[0].reply_to, reply_to(broker.sent[0], old.sha256))
    wait_for(lambda: len(answers) == 1, 1, lambda: "no answer")
    assert (answers[0].lost, answers[0].model) == ("", old)
