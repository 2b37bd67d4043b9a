"""Codes of the data plane in words, in both languages. A code without words is shown as it came."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = dict[str, str | Promise]

STATES: Words = {
    "starting": _("Starting"),
    "streaming": _("Live"),
    "stalled": _("No new picture"),
    "frozen": _("The picture is frozen"),
    "unreachable": _("Cannot be reached"),
    "refused": _("Access refused"),
    "bad_data": _("Sends unreadable data"),
    "stopped": _("Stopped"),
    "disabled": _("Switched off"),
    "unknown": _("No report yet"),
}
STATE_TONES = {
    "streaming": "ok",
    "starting": "warn",
    "stalled": "bad",
    "frozen": "bad",
    "unreachable": "bad",
    "refused": "bad",
    "bad_data": "bad",
    "stopped": "warn",
    "disabled": "",
    "unknown": "",
}
CODES: Words = {
    "name_not_found": _("The host name cannot be resolved. Check its spelling and the name server."),
    "network_not_allowed": _("This address is in a network that the site does not allow."),
    "connection_refused": _("The camera refuses the connection. Check the port."),
    "connection_timeout": _("The camera does not answer. Check power and network."),
    "timeout": _("The camera does not answer in time."),
    "sign_in_failed": _("User name or password is wrong."),
    "unauthorized": _("User name or password is wrong."),
    "not_found": _("The camera knows no such stream. Check the path of the address."),
    "no_video": _("The source has no video track."),
    "codec_unsupported": _("The video format is not supported."),
    "decode_failed": _("The video data cannot be decoded."),
    "end_of_stream": _("The stream ended."),
    "file_missing": _("The file is not there."),
    "lease_expired": _("The permission to look has run out and was not renewed."),
    "no_lease": _("Nobody has permitted looking at this camera."),
    "clock_offset": _("The camera’s clock is wrong."),
}
REDACTIONS: Words = {"tracks": _("Faces covered"), "mosaic": _("Whole picture covered")}
STAGES: Words = {
    "view": _("Live picture"),
    "motion": _("Motion"),
    "detect": _("People and objects"),
    "faces": _("Faces"),
    "text": _("Text"),
    "detection": _("People and objects"),
    "face": _("Faces"),
}
REASONS: Words = {
    "no_motion": _("nothing moved"),
    "motion": _("nothing moved"),
    "rate": _("above the chosen rate"),
    "no_lease": _("no permission to look"),
    "lease": _("no permission to look"),
    "lease_expired": _("permission ran out"),
    "busy": _("the machine was busy"),
    "queue_full": _("the queue was full"),
    "overrun": _("overtaken by newer pictures"),
    "slot_reused": _("overtaken by newer pictures"),
    "timeout": _("answer came too late"),
    "deadline": _("answer came too late"),
    "worker_error": _("the analysis failed"),
    "error": _("the analysis failed"),
    "poison": _("the picture could not be analysed"),
    "decode": _("could not be decoded"),
    "restart": _("a process restarted"),
    "not_needed": _("nothing to analyse"),
}
LABELS: Words = {
    "person": _("Person"),
    "face": _("Face"),
    "moving": _("Moving object"),
    "motion": _("Moving object"),
    "moving object": _("Moving object"),
    "text": _("Text"),
    "car": _("Car"),
    "truck": _("Truck"),
    "bus": _("Bus"),
    "bicycle": _("Bicycle"),
    "motorcycle": _("Motorcycle"),
    "train": _("Train"),
    "boat": _("Boat"),
    "dog": _("Dog"),
    "cat": _("Cat"),
    "bird": _("Bird"),
    "backpack": _("Backpack"),
    "handbag": _("Handbag"),
    "suitcase": _("Suitcase"),
    "umbrella": _("Umbrella"),
    "chair": _("Chair"),
    "traffic light": _("Traffic light"),
}
PROBE_STEPS: Words = {
    "name_resolution": _("Find the address"),
    "network_allowed": _("Network allowed"),
    "connect": _("Connect"),
    "sign_in": _("Sign in"),
    "codec": _("Video format"),
    "frame_rate": _("Pictures per second"),
    "clock_offset": _("Clock"),
    "picture": _("First picture"),
}
ACTIONS: Words = {
    "camera.create": _("Added a camera"),
    "camera.update": _("Changed a camera"),
    "camera.enable": _("Switched a camera on"),
    "camera.disable": _("Switched a camera off"),
    "camera.delete": _("Removed a camera"),
    "camera.credentials_set": _("Set a camera’s password"),
    "camera.credentials_clear": _("Removed a camera’s password"),
    "zone.create": _("Added a zone"),
    "zone.update": _("Changed a zone"),
    "zone.delete": _("Removed a zone"),
    "site.create": _("Added a site"),
    "site.update": _("Changed a site"),
    "site.delete": _("Removed a site"),
    "group.create": _("Added a camera group"),
    "group.update": _("Changed a camera group"),
    "group.set_cameras": _("Changed the cameras of a group"),
    "group.delete": _("Removed a camera group"),
    "grant.give": _("Gave a grant"),
    "grant.revoke": _("Withdrew a grant"),
    "user.create": _("Added a person"),
    "user.set_role": _("Changed a role"),
    "user.set_password": _("Set a password"),
    "token.create": _("Made an API token"),
    "token.revoke": _("Withdrew an API token"),
    "stage.assign": _("Changed the model of a stage"),
    "event.set_status": _("Decided on an event"),
    "event.flag": _("Flagged an event"),
    "event.view": _("Opened an event"),
    "snapshot.view": _("Looked at a snapshot"),
    "live.view": _("Opened a live picture"),
    "live.viewing": _("Watched live"),
    "session.sign_in": _("Signed in"),
    "session.sign_out": _("Signed out"),
    "session.sign_in_failed": _("Failed to sign in"),
}


def label_words(label: str) -> str:
    return str(LABELS.get(label, label))


def reason_words(reason: str) -> str:
    return str(REASONS.get(reason, reason.replace("_", " ")))


def action_words(action: str) -> str:
    return str(ACTIONS.get(action, action))


def words_for_scripts() -> dict[str, dict[str, str]]:
    """What the live pages need to speak, for a `json_script` block."""
    tables = {"states": STATES, "codes": CODES, "redactions": REDACTIONS, "labels": LABELS}
    return {name: {key: str(value) for key, value in table.items()} for name, table in tables.items()}
