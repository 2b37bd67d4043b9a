"""Sites, camera groups, cameras, zones; and the grants on them (direct foreign keys, PITFALLS 21)."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from apps.core.ids import new_id

# Below, the frames before a face was found are gone; above, too many pictures wait in memory.
MIN_DISPLAY_DELAY_S = 0.3
MAX_DISPLAY_DELAY_S = 3.0


class SourceKind(models.TextChoices):
    RTSP = "rtsp", "RTSP"
    MJPEG = "mjpeg", "HTTP MJPEG"
    HLS = "hls", "HLS"
    FILE = "file", _("File")
    USB = "usb", "USB"
    SYNTHETIC = "synthetic", _("Test pattern")


class Script(models.TextChoices):
    LATIN = "latin", _("Latin")
    CHINESE = "chinese", _("Chinese")
    CYRILLIC = "cyrillic", _("Cyrillic")
    ARABIC = "arabic", _("Arabic")
    HEBREW = "hebrew", _("Hebrew")
    DEVANAGARI = "devanagari", _("Devanagari")


class RedactionTarget(models.TextChoices):
    FACES = "faces", _("Faces")
    HEADS = "heads", _("Faces and heads")
    PERSONS = "persons", _("Whole persons")


class ZoneTarget(models.TextChoices):
    """What a zone covers beyond its camera; the strictest of both counts."""

    CAMERA = "", _("As the camera")
    HEADS = "heads", _("Faces and heads")
    PERSONS = "persons", _("Whole persons")


class RedactionStyle(models.TextChoices):
    MOSAIC = "mosaic", _("Mosaic")
    BLUR = "blur", _("Strong blur")
    SOLID = "solid", _("Solid")


class Site(models.Model):
    """A place with a time zone and the private networks on which its cameras live."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("name"), max_length=120, unique=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    allowed_networks = models.JSONField(
        _("allowed networks"),
        default=list,
        blank=True,
        help_text=_("Networks in CIDR form, such as 10.20.0.0/16. Other private addresses are refused."),
    )
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = _("site")
        verbose_name_plural = _("sites")
        permissions = [
            ("watch_site", _("Watch the cameras of this site")),
            ("triage_site", _("Triage and flag events of this site")),
        ]

    def __str__(self) -> str:
        return self.name


class CameraGroup(models.Model):
    """Cameras of one site that are granted together."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="groups")
    name = models.CharField(_("name"), max_length=120)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["site__name", "name"]
        verbose_name = _("camera group")
        verbose_name_plural = _("camera groups")
        permissions = [
            ("watch_cameragroup", _("Watch the cameras of this group")),
            ("triage_cameragroup", _("Triage and flag events of this group")),
        ]
        constraints = [models.UniqueConstraint(fields=["site", "name"], name="cameras_group_name_in_site")]

    def __str__(self) -> str:
        return f"{self.site} / {self.name}"


class Camera(models.Model):
    """One source of pictures. Its address holds no credentials; those are sealed in a row of their own."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="cameras")
    groups = models.ManyToManyField(CameraGroup, blank=True, related_name="cameras")
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("source"), max_length=16, choices=SourceKind.choices)
    url = models.CharField(_("address"), max_length=500)
    transport = models.CharField(
        _("transport"), max_length=3, choices=[("tcp", "TCP"), ("udp", "UDP")], default="tcp"
    )
    loop = models.BooleanField(_("repeat the file"), default=True)
    realtime = models.BooleanField(_("play at real speed"), default=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    tags = models.JSONField(_("tags"), default=list, blank=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    detect_objects = models.BooleanField(_("find people and objects"), default=True)
    read_text = models.BooleanField(_("read text"), default=False)
    script = models.CharField(
        _("writing system"), max_length=16, choices=Script.choices, default=Script.LATIN
    )
    redaction_target = models.CharField(
        _("cover"), max_length=8, choices=RedactionTarget.choices, default=RedactionTarget.FACES
    )
    redact_text = models.BooleanField(_("cover text"), default=False)
    redaction_style = models.CharField(
        _("style"), max_length=8, choices=RedactionStyle.choices, default=RedactionStyle.MOSAIC
    )
    display_delay_s = models.FloatField(
        _("delay of the live picture"),
        default=0.9,
        validators=[MinValueValidator(MIN_DISPLAY_DELAY_S), MaxValueValidator(MAX_DISPLAY_DELAY_S)],
    )
    analysis_fps = models.FloatField(
        _("analysed pictures per second"),
        default=5.0,
        validators=[MinValueValidator(0.2), MaxValueValidator(30.0)],
    )
    display_fps = models.FloatField(
        _("shown pictures per second"),
        default=10.0,
        validators=[MinValueValidator(1.0), MaxValueValidator(30.0)],
    )
    plan_x = models.FloatField(_("place on the plan, x"), null=True, blank=True)
    plan_y = models.FloatField(_("place on the plan, y"), null=True, blank=True)
    demo = models.BooleanField(_("demonstration"), default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["site__name", "name"]
        verbose_name = _("camera")
        verbose_name_plural = _("cameras")
        constraints = [models.UniqueConstraint(fields=["site", "name"], name="cameras_camera_name_in_site")]

    def __str__(self) -> str:
        return self.name

    @property
    def zone_name(self) -> str:
        """The time zone in which this camera's dates are shown."""
        return self.time_zone or self.site.time_zone


class CameraCredential(models.Model):
    """User name and password of a camera, one Fernet token under the field key. Never shown again.

    `lease_sealed` is the same secret under the lease key. It is kept, because a token that changed with
    every renewal of the lease would look like a new source to the data plane.
    """

    camera = models.OneToOneField(
        Camera, on_delete=models.CASCADE, primary_key=True, related_name="credential"
    )
    sealed = models.BinaryField()
    lease_sealed = models.TextField()
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        default_permissions = ()


class ZoneKind(models.TextChoices):
    WATCH = "watch", _("Watch")
    IGNORE = "ignore", _("Ignore")
    READ_TEXT = "read_text", _("Read text")
    PRIVACY_MASK = "privacy_mask", _("Privacy mask")
    COVER = "cover", _("Cover more")


class Zone(models.Model):
    """A polygon on a camera's picture; points are shares of width and height (0..1)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="zones")
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=16, choices=ZoneKind.choices)
    polygon = models.JSONField(_("polygon"))
    script = models.CharField(_("writing system"), max_length=16, choices=Script.choices, blank=True)
    redaction_target = models.CharField(
        _("cover"), max_length=8, choices=ZoneTarget.choices, blank=True, default=ZoneTarget.CAMERA
    )
    redact_text = models.BooleanField(_("cover text"), default=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = _("zone")
        verbose_name_plural = _("zones")
        constraints = [models.UniqueConstraint(fields=["camera", "name"], name="cameras_zone_name_in_camera")]

    def __str__(self) -> str:
        return self.name


class SiteUserPermission(UserObjectPermissionBase):
    content_object = models.ForeignKey(Site, on_delete=models.CASCADE)


class SiteGroupPermission(GroupObjectPermissionBase):
    content_object = models.ForeignKey(Site, on_delete=models.CASCADE)


class CameraGroupUserPermission(UserObjectPermissionBase):
    content_object = models.ForeignKey(CameraGroup, on_delete=models.CASCADE)


class CameraGroupGroupPermission(GroupObjectPermissionBase):
    content_object = models.ForeignKey(CameraGroup, on_delete=models.CASCADE)
