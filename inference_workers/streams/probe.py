"""The step-by-step test of a camera before it is added: the same decoder child, told step by step."""

import logging
import threading
import time
from dataclasses import replace

import redis

from inference_workers.contracts.codec import ContractError, decode, encode
from inference_workers.contracts.names import PROBES
from inference_workers.contracts.probe import ProbeOutcome, ProbeRequest, ProbeStep
from inference_workers.engine.errors import EngineError
from inference_workers.engine.redaction import encode_jpeg, mosaic_image
from inference_workers.engine.sources.messages import Ended, Opened, Placed, StepDone, Tally, ToRunner
from inference_workers.engine.sources.process import DecoderProcess, wait_readable
from inference_workers.objects import Objects
from inference_workers.streams.leases import open_credentials
from inference_workers.streams.runner import StreamServices

SETTLE_S = 0.7
MEASURE_S = 2.5
LIMIT_S = 25.0
MAX_AT_ONCE = 2
_REPLY_EXPIRY_S = 120
_STEP_OF_CODE = {
    "name_not_found": ProbeStep.NAME,
    "url_invalid": ProbeStep.NAME,
    "scheme_refused": ProbeStep.NAME,
    "credentials_in_url": ProbeStep.NAME,
    "networks_invalid": ProbeStep.NETWORK,
    "network_refused": ProbeStep.NETWORK,
    "redirect_refused": ProbeStep.NETWORK,
    "sign_in_refused": ProbeStep.SIGN_IN,
    "sign_in_unknown": ProbeStep.SIGN_IN,
    "credentials_unreadable": ProbeStep.SIGN_IN,
    "not_found": ProbeStep.CODEC,
    "no_video": ProbeStep.CODEC,
}
_log = logging.getLogger(__name__)


class Probe:
    """One test. `run` pushes an outcome per step and "done" at the end, whatever happens."""

    def __init__(
        self, request: ProbeRequest, services: StreamServices, client: redis.Redis, objects: Objects
    ) -> None:
        self._request = request
        self._services = services
        self._client = client
        self._objects = objects
        self._told: set[ProbeStep] = set()
        self._opened: Opened | None = None
        self._clock_offset_s: float | None = None
        self._seen_at: float | None = None
        self._first: tuple[float, int] | None = None
        self._last: tuple[float, int] = (0.0, 0)
        self._preview = b""
        self._over = False

    def run(self) -> None:
        try:
            self._look()
            self._tell_measured()
            self._store_preview()
        except EngineError as error:
            self._tell_failed(error.code, str(error))
        finally:
            self._skip_rest()
            self._push(ProbeOutcome(self._request.probe_id, None, "done"))

    def _look(self) -> None:
        request, services = self._request, self._services
        credentials = open_credentials(request.source, services.lease_key)
        process = DecoderProcess(f"probe-{request.probe_id}", services.shm_dir, services.budget, 0)
        until = min(time.time() + LIMIT_S, request.deadline_at)
        try:
            process.start(request.source, credentials, services.media_roots, 10.0)
            while not self._measured():
                if time.time() > until:
                    raise EngineError("no_answer", "the camera sent no pictures in time", transient=True)
                wait_readable(list(process.descriptors), 0.25)
                messages, alive = process.read()
                for message in messages:
                    self._take(message, process)
                if not alive and not messages:
                    raise EngineError("decoder_died", "the decoder died during the test", transient=True)
        finally:
            process.close()

    def _measured(self) -> bool:
        return self._over or (self._first is not None and self._last[0] - self._first[0] >= MEASURE_S)

    def _take(self, message: ToRunner, process: DecoderProcess) -> None:
        if isinstance(message, StepDone):
            self._take_step(message)
        elif isinstance(message, Opened):
            self._opened = message
        elif isinstance(message, Placed):
            self._count(message.tally)
            self._take_picture(message, process)
        elif isinstance(message, Tally):
            self._count(message)
        elif isinstance(message, Ended) and not (message.code == "end_of_file" and self._seen_at):
            raise EngineError(message.code, message.message, transient=message.transient)
        else:
            self._over = True  # a short file: what was seen counts

    def _take_step(self, message: StepDone) -> None:
        if message.step in {ProbeStep.NAME, ProbeStep.NETWORK, ProbeStep.CONNECT, ProbeStep.SIGN_IN}:
            self._tell(self._outcome(ProbeStep(message.step), "ok", detail=message.detail))

    def _count(self, tally: Tally) -> None:
        self._last = (time.monotonic(), tally.decoded)
        self._seen_at = self._seen_at or self._last[0]
        # What was buffered while the stream was opened comes at once and says nothing about the rate.
        if self._first is None and self._last[0] - self._seen_at >= SETTLE_S:
            self._first = self._last
        if tally.clock_offset_s is not None:
            self._clock_offset_s = tally.clock_offset_s

    def _take_picture(self, placed: Placed, process: DecoderProcess) -> None:
        ring = process.ring
        if ring is None or not process.holds(placed):
            return
        picture = ring.pixels(placed.slot, placed.width, placed.height)
        self._preview = encode_jpeg(mosaic_image(picture))
        ring.release(placed.slot)

    def _tell_measured(self) -> None:
        opened, first = self._opened, self._first
        if opened is None or self._seen_at is None:
            raise EngineError("no_frames", "the camera sent no pictures", transient=True)
        facts = replace(
            self._outcome(ProbeStep.CODEC, "ok", detail=opened.codec),
            width=opened.width,
            height=opened.height,
            codec=opened.codec,
        )
        self._tell(facts)
        fps = opened.fps  # of a file that was over before its rate could be measured
        if first is not None and not self._over:
            fps = round((self._last[1] - first[1]) / max(self._last[0] - first[0], 0.001), 2)
        self._tell(replace(facts, step=ProbeStep.FRAME_RATE, detail=f"{fps:.1f}", fps=fps))
        self._tell_clock()

    def _tell_clock(self) -> None:
        offset_s = self._clock_offset_s
        if offset_s is None:
            words = "the source does not say its time"
            self._tell(self._outcome(ProbeStep.CLOCK, "skipped", "no_clock", words))
        else:
            told = self._outcome(ProbeStep.CLOCK, "ok", detail=f"{offset_s:+.1f} s")
            self._tell(replace(told, clock_offset_s=offset_s))

    def _store_preview(self) -> None:
        """A mosaic of the whole picture: faces were not looked for here."""
        if not self._preview:
            raise EngineError("no_frames", "no picture of the camera could be kept", transient=True)
        self._objects.put(self._request.preview_key, self._preview)
        self._tell(self._outcome(ProbeStep.PICTURE, "ok"))

    def _tell_failed(self, code: str, detail: str) -> None:
        step = _STEP_OF_CODE.get(code) or next(
            (s for s in ProbeStep if s not in self._told), ProbeStep.PICTURE
        )
        # A step that passed once may fail later: a redirect is followed after the first connection.
        self._tell(self._outcome(step, "failed", code, detail[:300]))

    def _skip_rest(self) -> None:
        for step in ProbeStep:
            if step not in self._told:
                self._tell(self._outcome(step, "skipped", "not_reached"))

    def _outcome(self, step: ProbeStep, status: str, code: str = "", detail: str = "") -> ProbeOutcome:
        return ProbeOutcome(self._request.probe_id, step, status, code, detail)

    def _tell(self, outcome: ProbeOutcome) -> None:
        if outcome.step is not None:
            self._told.add(outcome.step)
        self._push(outcome)

    def _push(self, outcome: ProbeOutcome) -> None:
        with self._client.pipeline(transaction=False) as pipe:
            pipe.rpush(self._request.reply_to, encode(outcome))
            pipe.expire(self._request.reply_to, _REPLY_EXPIRY_S)
            pipe.execute()


class ProbeDesk(threading.Thread):
    """Takes requests from the list `PROBES`; any streams process may."""

    def __init__(self, services: StreamServices, client: redis.Redis, objects: Objects) -> None:
        super().__init__(name="probes", daemon=True)
        self._services = services
        self._client = client
        self._objects = objects
        self._places = threading.Semaphore(MAX_AT_ONCE)
        self._stop_asked = threading.Event()

    def stop(self) -> None:
        self._stop_asked.set()

    def run(self) -> None:
        while not self._stop_asked.is_set():
            with self._places:  # a request is taken only while there is room for it
                pass
            try:
                entry = self._client.blpop([PROBES], timeout=1)
            except redis.RedisError as error:
                _log.warning("probes cannot be read: %s", type(error).__name__)
                self._stop_asked.wait(1.0)
                continue
            if entry is not None:
                self._start(entry[1])

    def _start(self, text: bytes | str) -> None:
        try:
            request = decode(ProbeRequest, text)
        except ContractError as error:
            _log.error("a request to test a camera was refused: %s", error)
            return
        if request.deadline_at > time.time():
            threading.Thread(target=self._run, args=(request,), name="probe", daemon=True).start()

    def _run(self, request: ProbeRequest) -> None:
        with self._places:
            try:
                Probe(request, self._services, self._client, self._objects).run()
            except redis.RedisError as error:
                _log.warning("a probe's outcome could not be told: %s", type(error).__name__)
            except Exception:  # noqa: BLE001 - the desk must live on for the next camera
                _log.exception("a probe failed")
