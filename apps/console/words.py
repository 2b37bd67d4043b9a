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
    "withheld": _("Not permitted now"),
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
    "withheld": "warn",
}
CODES: Words = {
    "name_not_found": _("The host name cannot be resolved. Check its spelling and the name server."),
    "network_refused": _("This address is in a network that the site does not allow."),
    "url_invalid": _("The address does not have the form that this kind of source needs."),
    "no_answer": _("The camera does not answer. Check power and network."),
    "connection_lost": _("The connection to the camera was lost."),
    "no_frames": _("The camera is connected but sends no pictures."),
    "sign_in_refused": _("User name or password is wrong."),
    "sign_in_unknown": _("The camera asks for a way of signing in that is not supported."),
    "not_found": _("The camera knows no such stream. Check the path of the address."),
    "no_video": _("The source has no video track."),
    "http_error": _("The camera answers with an error."),
    "redirect_refused": _("The camera sends us to another address; that is refused."),
    "bad_data": _("The video data cannot be decoded."),
    "decoder_died": _("The decoder stopped; it is started again."),
    "decoder_garbage": _("The decoder sent something unreadable; it is started again."),
    "device_refused": _("The device cannot be opened."),
    "file_missing": _("The file is not there."),
    "file_refused": _("The file does not lie in a media folder of this installation."),
    "end_of_file": _("The stream ended."),
    "lease_withdrawn": _("The permission to look was withdrawn."),
    "lease_invalid": _("The permission to look is not valid."),
    "lease_expired": _("The permission to look has run out and was not renewed."),
    "unreachable": _("The camera cannot be reached. Check address, port, power and network."),
    "tls_failed": _("The encrypted connection failed. Check the camera’s certificate."),
    "scheme_refused": _("This kind of source does not allow such an address."),
    "networks_invalid": _("A network in the site’s list is not in CIDR form."),
    "credentials_in_url": _("The address holds a password. It belongs into the fields for signing in."),
    "credentials_unreadable": _("The stored password cannot be opened. Type it again."),
    "device_missing": _("The device is not there."),
    "pattern_unknown": _("There is no test pattern of this name."),
    "picture_too_large": _("The picture is larger than is allowed."),
    "decode_errors": _("Many parts of the video arrive damaged."),
    "stalled": _("No picture came for a while; connecting again."),
    "identical_frames": _("The camera sends the same picture again and again."),
    "runner_failed": _("An unexpected error; the log of the streams process has it."),
    "ring_refused": _("Shared memory could not be used."),
    "shm_full": _("Shared memory is full. An administrator can enlarge it."),
    "shm_budget": _("The limit of shared memory is used up. An administrator can raise it."),
    "no_clock": _("The source tells no time."),
    "not_reached": _("Not tried, because a step before it failed."),
    "no_purpose": _(
        "No entry in the register of purposes allows it. A compliance officer can enter the purpose."
    ),
    "purpose_not_yet": _("The entry in the register of purposes is not valid yet. Compliance can change it."),
    "purpose_expired": _("The entry in the register of purposes has run out. Compliance can renew it."),
    "trial_ended": _("The trial has ended. A compliance officer can enter the purpose of this camera."),
    "outside_hours": _("Outside the opening hours in the register of purposes."),
    "consent_missing": _(
        "A consent that is needed was withdrawn, has expired or was not given. Ask compliance."
    ),
    "no_stage": _("The register of purposes allows nothing that this camera is set to do. Ask compliance."),
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
    "rate": _("above the chosen rate"),
    "stage_not_allowed": _("no stage is allowed"),
    "warming_up": _("learning the background"),
    "busy": _("the machine was busy"),
    "ring_full": _("overtaken by newer pictures"),
    "frame_gone": _("overtaken by newer pictures"),
    "late": _("overtaken by newer pictures"),
    "worker_timeout": _("answer came too late"),
    "broker_unavailable": _("the queue could not be reached"),
    "analysis_error": _("the analysis failed"),
    "model_mismatch": _("another model answered than was asked"),
    "stopped": _("the camera was stopped"),
    "process_restart": _("a process restarted"),
    "run_ended": _("a process restarted"),
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
    "user.update": _("Changed a person’s data"),
    "user.open": _("Opened an account"),
    "user.close": _("Closed an account"),
    "session.end": _("Ended sessions"),
    "password.changed": _("Changed the own password"),
    "mfa.added": _("Added a second step of signing in"),
    "mfa.removed": _("Removed a second step of signing in"),
    "mfa.reset": _("Made new recovery codes"),
    "model.assign": _("Changed the model of a stage"),
    "model.unassign": _("Left the model of a stage to Vidette"),
    "model.register": _("A model version appeared"),
    "model.change": _("A model version changed"),
    "model.absent": _("A model version is gone"),
    "event.set_status": _("Decided on an event"),
    "event.flag": _("Flagged an event"),
    "event.view": _("Opened an event"),
    "snapshot.view": _("Looked at a snapshot"),
    "live.view": _("Opened a live picture"),
    "segment.view": _("Watched a recording"),
    "segment.list": _("Listed recordings"),
    "camera.retention": _("Changed what a camera records and keeps"),
    "retention_class.create": _("Added a retention class"),
    "retention_class.update": _("Changed a retention class"),
    "retention_class.delete": _("Removed a retention class"),
    "retention.sweep_asked": _("Asked for a deletion"),
    "retention.deleted": _("Deleted what was over its time"),
    "hold.place": _("Placed a legal hold"),
    "hold.release": _("Released a legal hold"),
    "camera.probe": _("Tested a camera"),
    "frame.submit": _("Sent a picture to be analysed"),
    "work.view": _("Looked at an analysed picture"),
    "capability.use": _("Tried what the role does not allow"),
    "sign_in": _("Signed in"),
    "sign_in.failed": _("Failed to sign in"),
    "sign_in.second_factor_failed": _("Failed the second step of signing in"),
    "sign_out": _("Signed out"),
    "record.opened": _("The record was opened"),
    "record.verified": _("The record was checked"),
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
