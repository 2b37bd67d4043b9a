"""Requests of data subjects (GDPR Art. 15 to 21): one case each, from its receipt to its answer."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id


class CaseKind(models.TextChoices):
    ACCESS = "access", _("Access (Art. 15)")
    ERASURE = "erasure", _("Erasure (Art. 17)")
    RESTRICTION = "restriction", _("Restriction (Art. 18)")
    OBJECTION = "objection", _("Objection (Art. 21)")


class ReceivedHow(models.TextChoices):
    LETTER = "letter", _("By letter")
    EMAIL = "email", _("By e-mail")
    IN_PERSON = "in_person", _("In person")
    PHONE = "phone", _("By telephone")


class IdentityMethod(models.TextChoices):
    DOCUMENT = "document", _("Document shown; no copy is kept")
    KNOWN_ADDRESS = "known_address", _("Answer from an address that was known before")
    KNOWN_PERSON = "known_person", _("Known to the house in person")
    CIRCUMSTANCES = "circumstances", _("Told time, place and clothes that only this person knows")
    REPRESENTATIVE = "representative", _("Representative with a power of attorney")


class IdentityOutcome(models.TextChoices):
    OPEN = "", _("Not checked yet")
    CONFIRMED = "confirmed", _("Confirmed")
    NOT_CONFIRMED = "not_confirmed", _("Not confirmed")


class Outcome(models.TextChoices):
    OPEN = "", _("Open")
    FULFILLED = "fulfilled", _("Fulfilled")
    PARTLY = "partly", _("Fulfilled in part")
    REFUSED = "refused", _("Refused with the reason")
    NOTHING_HELD = "nothing_held", _("Nothing is held about this person")
    NOT_IDENTIFIED = "not_identified", _("The person could not be identified")
    WITHDRAWN = "withdrawn", _("Withdrawn by the person")


class Case(models.Model):
    """One request of one person, who stands here under a made-up reference.

    `due_at` is the end of the month after the receipt, or of the third one after an extension that the person
    was told of. How to reach the person is sealed and shown on record only.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    reference = models.CharField(_("case"), max_length=20, unique=True)
    kind = models.CharField(_("request"), max_length=12, choices=CaseKind.choices)
    subject = models.CharField(_("person"), max_length=40)
    contact_sealed = models.BinaryField(null=True)
    asked = models.CharField(_("what is asked for"), max_length=1000)
    received_at = models.DateTimeField(_("received"))
    received_how = models.CharField(_("received how"), max_length=12, choices=ReceivedHow.choices)
    due_at = models.DateTimeField(_("due"), db_index=True)
    extended_at = models.DateTimeField(_("extended"), null=True)
    extension_reason = models.CharField(_("reason of the extension"), max_length=500, blank=True)
    notified_at = models.DateTimeField(_("person told of the extension"), null=True)
    identity = models.CharField(
        _("identity"), max_length=16, choices=IdentityOutcome.choices, blank=True, default=""
    )
    identity_method = models.CharField(
        _("checked how"), max_length=16, choices=IdentityMethod.choices, blank=True
    )
    identity_note = models.CharField(_("note"), max_length=300, blank=True)
    identity_at = models.DateTimeField(_("checked"), null=True)
    identity_by_name = models.CharField(_("checked by"), max_length=150, blank=True)
    opened_at = models.DateTimeField(_("entered"))
    opened_by_name = models.CharField(_("entered by"), max_length=150)
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome.choices, blank=True, default="")
    outcome_note = models.CharField(_("what was answered"), max_length=1000, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True)
    closed_by_name = models.CharField(_("closed by"), max_length=150, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        default_permissions = ()
        ordering = ["due_at", "id"]
        verbose_name = _("request of a data subject")
        verbose_name_plural = _("requests of data subjects")
        constraints = [
            models.CheckConstraint(condition=Q(due_at__gt=F("received_at")), name="cases_due_after_receipt"),
            models.CheckConstraint(
                condition=Q(closed_at=None, outcome="") | Q(closed_at__isnull=False) & ~Q(outcome=""),
                name="cases_closed_with_an_outcome",
            ),
            models.CheckConstraint(
                condition=Q(extended_at=None) | (~Q(extension_reason="") & Q(notified_at__isnull=False)),
                name="cases_extended_with_a_reason",
            ),
        ]
        indexes = [models.Index(fields=["closed_at", "due_at"], name="cases_open_by_due")]

    def __str__(self) -> str:
        return self.reference

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class ItemKind(models.TextChoices):
    """As `apps.retention.erasure.TargetKind`."""

    EVENT = "event", _("Event")
    READING = "reading", _("Reading")
    SEGMENT = "segment", _("Recording")
    FILE = "file", _("Redacted file")
    WORK = "work", _("Uploaded picture")


class CaseItem(models.Model):
    """One thing that concerns the person. It names what lies elsewhere and owns at most a copy of it.

    The copy is what the person gets: it stays when retention takes the original, and goes with the request.
    After an erasure the row stays as its proof, without a title and without a copy.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="items")
    kind = models.CharField(_("kind"), max_length=8, choices=ItemKind.choices)
    object_id = models.UUIDField()
    camera_id = models.UUIDField(null=True)  # no foreign key: the proof outlives the camera
    camera_name = models.CharField(_("camera"), max_length=120, blank=True)
    since = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("until"))
    epoch = models.CharField(max_length=36, blank=True)
    track_id = models.BigIntegerField(null=True)
    title = models.CharField(_("what"), max_length=200, blank=True)
    facts = models.JSONField(default=dict)
    copy_key = models.CharField(max_length=300, blank=True)
    copy_type = models.CharField(max_length=40, blank=True)
    copy_sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    copy_bytes = models.BigIntegerField(default=0)
    shows_subject = models.BooleanField(_("the person is visible"), default=False)
    added_at = models.DateTimeField(_("added"))
    added_by_name = models.CharField(_("added by"), max_length=150)
    erased_at = models.DateTimeField(_("erased"), null=True)

    class Meta:
        default_permissions = ()
        ordering = ["since", "id"]
        verbose_name = _("item of a request")
        verbose_name_plural = _("items of requests")
        constraints = [models.UniqueConstraint(fields=["case", "kind", "object_id"], name="cases_item_once")]
        indexes = [models.Index(fields=["kind", "object_id"], name="cases_item_of_object")]


class ErasureState(models.TextChoices):
    WAITING = "waiting", _("Waiting for a second person")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", _("Refused")
    DONE = "done", _("Executed")


class Erasure(models.Model):
    """A preview of what an erasure would do, the decision of a second person, and what was done.

    `digest` is over every single row that was found and what would become of it: if one of them differs when
    it is executed, nothing is. `counts`: `erase` and `cut` by store, `kept` as [ground, store, number] each.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="erasures")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(_("made"))
    expires_at = models.DateTimeField(_("expires"))
    counts = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    state = models.CharField(_("state"), max_length=8, choices=ErasureState.choices, default="waiting")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(_("decided"), null=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    executed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    executed_at = models.DateTimeField(_("executed"), null=True)
    objects_gone = models.PositiveIntegerField(default=0)
    first_seq = models.BigIntegerField(null=True)
    last_seq = models.BigIntegerField(null=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        default_permissions = ()
        ordering = ["-made_at"]
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        constraints = [
            # The database itself refuses a decision of one's own, and an execution without one.
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("made_by")), name="cases_erasure_second_person"
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", decided_by=None)
                | Q(state__in=["refused", "approved", "done"]) & Q(decided_by__isnull=False),
                name="cases_erasure_decided",
            ),
            models.CheckConstraint(
                condition=Q(state="done", executed_at__isnull=False) | ~Q(state="done") & Q(executed_at=None),
                name="cases_erasure_executed",
            ),
        ]


class DisclosureForm(models.TextChoices):
    PACK = "pack", _("Pack to hand over")
    VIEWING = "viewing", _("Supervised viewing")


class DisclosureState(models.TextChoices):
    WAITING = "waiting", _("Waiting for a second person")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", _("Refused")
    GIVEN = "given", _("Handed over")


class Disclosure(models.Model):
    """What a person is given: made by one person, looked at by another, then handed over or shown.

    `digest` is over the items and their copies: what the second person approved is what goes out. A pack is
    made before it is looked at and never made again; it goes when it expires.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="disclosures")
    form = models.CharField(_("form"), max_length=8, choices=DisclosureForm.choices)
    items = models.JSONField(default=list)
    digest = models.CharField(max_length=64)
    prepared_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    prepared_at = models.DateTimeField(_("prepared"))
    expires_at = models.DateTimeField(_("expires"))
    pack_key = models.CharField(max_length=300, blank=True)
    pack_sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    pack_bytes = models.BigIntegerField(default=0)
    downloads = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(_("state"), max_length=8, choices=DisclosureState.choices, default="waiting")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(_("decided"), null=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    given_at = models.DateTimeField(_("handed over"), null=True)
    given_by_name = models.CharField(_("handed over by"), max_length=150, blank=True)
    receipt = models.CharField(_("receipt"), max_length=500, blank=True)
    present = models.CharField(_("who was there"), max_length=300, blank=True)
    viewed_since = models.DateTimeField(_("from"), null=True)
    viewed_until = models.DateTimeField(_("until"), null=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        default_permissions = ()
        ordering = ["-prepared_at"]
        verbose_name = _("disclosure")
        verbose_name_plural = _("disclosures")
        constraints = [
            # The database itself refuses a check of one's own, and a hand-over without one.
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("prepared_by")),
                name="cases_disclosure_second_person",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", decided_by=None)
                | Q(state__in=["refused", "approved", "given"], decided_by__isnull=False),
                name="cases_disclosure_decided",
            ),
            models.CheckConstraint(
                condition=Q(state="given", given_at__isnull=False) & ~Q(receipt="")
                | ~Q(state="given") & Q(given_at=None),
                name="cases_disclosure_receipt",
            ),
        ]
