"""What of the lowest apps is exempt from retention, and why. Upper apps register their own stores."""

from apps.retention.registry import exempt


def register_own() -> None:
    exempt(
        "audit.AuditRecord",
        "audit.AuditHead",
        "audit.AuditCheckpoint",
        reason="the record: it proves what was done, holds no picture, and is never shortened",
    )
    exempt(
        "accounts.User",
        "accounts.ApiToken",
        reason="accounts of those who work here, for as long as they do",
    )
    exempt(
        "cameras.Site",
        "cameras.CameraGroup",
        "cameras.Camera",
        "cameras.CameraCredential",
        "cameras.Zone",
        "cameras.SiteUserPermission",
        "cameras.SiteGroupPermission",
        "cameras.CameraGroupUserPermission",
        "cameras.CameraGroupGroupPermission",
        reason="settings of the installation; they say nothing about who was in a picture",
    )
    exempt(
        "retention.RetentionClass",
        "retention.CameraRetention",
        "retention.LegalHold",
        "retention.Sweep",
        reason="the rules of retention and what came of them",
    )
    exempt(
        "retention.DoomedObject",
        reason="names of objects on their way out; every sweep empties it",
    )
    exempt(
        "registry.ModelFamily",
        "registry.StageAssignment",
        "registry.ZoneDetector",
        "registry.Cascade",
        reason="families of models, and which version serves",
    )
