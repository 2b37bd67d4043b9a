"""The ledger of evaluations and the labelled sets: to look at."""

from django.contrib import admin

from apps.accounts.roles import Capability
from apps.core.admin import ReadOnlyAdmin
from apps.evaluations.models import Evaluation, SetVersion


@admin.register(Evaluation)
class EvaluationAdmin(ReadOnlyAdmin):
    view_capability = Capability.SEE_RECORD
    list_display = ("created_at", "kind", "state", "candidate", "base", "verdict", "gate", "error_code")
    list_filter = ("kind", "state", "verdict", "gate")


@admin.register(SetVersion)
class SetVersionAdmin(ReadOnlyAdmin):
    view_capability = Capability.SEE_RECORD
    list_display = ("labelled_set", "number", "state", "pictures", "objects_labelled", "keep_until")
    list_filter = ("state",)
