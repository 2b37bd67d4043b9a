"""Why a camera may look: the register of purposes, and the consents that some of them stand on.

An entry of the register names its camera by a key that may become empty: what was done on which basis has to
be told after the camera is gone, too. A zone is named by its id and a copy of its polygon, so that deleting
the zone never widens what may be done there.
"""

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.cameras.models import Camera, CameraGroup
from apps.core.ids import new_id


class LawfulBasis(models.TextChoices):
    """GDPR Art. 6(1) (a) to (f). None is the default: somebody has to decide."""

    CONSENT = "consent", _("Consent (a)")
    CONTRACT = "contract", _("Contract (b)")
    LEGAL_OBLIGATION = "legal_obligation", _("Legal obligation (c)")
    VITAL_INTERESTS = "vital_interests", _("Vital interests (d)")
    PUBLIC_TASK = "public_task", _("Public task (e)")
    LEGITIMATE_INTERESTS = "legitimate_interests", _("Legitimate interests (f)")


class PurposeStage(models.TextChoices):
    """What an entry allows. Faces are looked for whenever anything is: that is what covers them."""

    VIEW = "view", _("Show covered pictures")
    DETECT = "detect", _("Find people and objects")
    TEXT = "text", _("Read text")
    RECOGNISE = "recognise", _("Recognise persons")
    TRAIN = "train", _("Train models")


class PurposeOrigin(models.TextChoices):
    REGISTER = "register", _("Entered by a person")
    DEMO = "demo", _("Demonstration")
    TRIAL = "trial", _("Trial of this installation")


class DataSubject(models.Model):
    """A person under a made-up reference. How to reach them is sealed and shown only on record."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    reference = models.CharField(_("reference"), max_length=40, unique=True)
    contact_sealed = models.BinaryField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["reference"]
        verbose_name = _("data subject")
        verbose_name_plural = _("data subjects")

    def __str__(self) -> str:
        return self.reference


class Purpose(models.Model):
    """One entry of the register: for a camera, or narrower for one of its zones."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    camera = models.ForeignKey(Camera, null=True, on_delete=models.SET_NULL, related_name="purposes")
    camera_name = models.CharField(_("camera"), max_length=120)
    zone_uuid = models.UUIDField(null=True)
    zone_name = models.CharField(_("zone"), max_length=80, blank=True)
    zone_polygon = models.JSONField(default=list)
    purpose = models.CharField(_("purpose"), max_length=300)
    lawful_basis = models.CharField(_("lawful basis"), max_length=24, choices=LawfulBasis.choices)
    interest = models.CharField(_("legitimate interest"), max_length=300, blank=True)
    controller = models.CharField(_("controller"), max_length=200)
    controller_contact = models.CharField(_("contact"), max_length=200)
    dpia_reference = models.CharField(_("impact assessment"), max_length=120, blank=True)
    retention_class = models.CharField(_("retention class"), max_length=40, default="standard")
    stages = models.JSONField(_("allowed"), default=list)
    opening_hours = models.JSONField(_("opening hours"), default=dict, blank=True)
    valid_from = models.DateTimeField(_("valid from"))
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)
    subjects = models.ManyToManyField(DataSubject, blank=True, related_name="purposes")
    origin = models.CharField(
        _("origin"), max_length=12, choices=PurposeOrigin.choices, default=PurposeOrigin.REGISTER
    )
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["camera_name", "zone_name", "-valid_from"]
        verbose_name = _("purpose")
        verbose_name_plural = _("purposes")
        indexes = [models.Index(fields=["camera", "ended_at"], name="consent_purpose_camera")]

    def __str__(self) -> str:
        return self.purpose


class PurposeVersion(models.Model):
    """What an entry said from a moment on. Rows are added and never changed."""

    purpose = models.ForeignKey(Purpose, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    at = models.DateTimeField(_("time"))
    by_id = models.CharField(max_length=64)
    by_name = models.CharField(_("by"), max_length=150)
    contents = models.JSONField()

    class Meta:
        default_permissions = ()
        ordering = ["-number"]
        verbose_name = _("version of a purpose")
        verbose_name_plural = _("versions of purposes")
        constraints = [models.UniqueConstraint(fields=["purpose", "number"], name="consent_purpose_version")]


class GivenHow(models.TextChoices):
    WRITTEN = "written", _("Signed on paper")
    ELECTRONIC = "electronic", _("In an electronic form")
    SPOKEN = "spoken", _("Spoken, before a witness")


class Consent(models.Model):
    """One person's consent: to what, after which notice, and until when.

    It reaches the cameras, the camera groups and the entries of the register that it names, and nothing else.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    subject = models.ForeignKey(DataSubject, on_delete=models.PROTECT, related_name="consents")
    cameras = models.ManyToManyField(Camera, blank=True, related_name="consents")
    groups = models.ManyToManyField(CameraGroup, blank=True, related_name="consents")
    purposes = models.ManyToManyField(Purpose, blank=True, related_name="consents")
    stages = models.JSONField(_("agreed to"), default=list)
    notice_version = models.CharField(_("version of the notice"), max_length=40)
    notice_text = models.TextField(_("text of the notice"))
    notice_sha256 = models.CharField(_("hash of the notice"), max_length=64)
    language = models.CharField(_("language"), max_length=8)
    given_at = models.DateTimeField(_("given"))
    given_how = models.CharField(_("given how"), max_length=12, choices=GivenHow.choices)
    given_to = models.CharField(_("given to"), max_length=150)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    withdrawal_note = models.CharField(_("how it was withdrawn"), max_length=300, blank=True)
    evidence_key = models.CharField(max_length=200, blank=True)
    evidence_name = models.CharField(_("document"), max_length=120, blank=True)
    evidence_type = models.CharField(max_length=40, blank=True)
    evidence_sha256 = models.CharField(max_length=64, blank=True)
    evidence_bytes = models.PositiveIntegerField(default=0)
    recorded_by_id = models.CharField(max_length=64)
    recorded_by_name = models.CharField(_("recorded by"), max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["-given_at", "-id"]
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        indexes = [models.Index(fields=["-given_at", "-id"], name="consent_newest")]

    def __str__(self) -> str:
        return f"{self.subject} {self.given_at:%Y-%m-%d}"

    def stands(self, at: datetime) -> bool:
        """Whether it is given, not expired and not withdrawn at a moment."""
        return bool(
            self.given_at <= at
            and (self.expires_at is None or at < self.expires_at)
            and (self.withdrawn_at is None or at < self.withdrawn_at)
        )


class Notice(models.Model):
    """The public notice of one camera, under a code that says nothing about the camera."""

    camera = models.OneToOneField(Camera, on_delete=models.CASCADE, primary_key=True, related_name="notice")
    code = models.CharField(max_length=16, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
