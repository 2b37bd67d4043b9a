"""Why a version was refused, as far as the control plane says it: kept in English, shown in both languages.

What the data plane says of a file quotes it and stays as it is.
"""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.registry.models import ModelVersion

NO_ANSWER = gettext_noop(
    "the check did not come to an end in several attempts; an administrator can look at the worker's log"
)
NO_PARENT = gettext_noop(
    "parent: expected the version that this file was made from, known here and named at the upload or by "
    "parent_sha256 in its side file: without it nobody can say what it lost"
)


def problem_words(version: ModelVersion) -> str:
    return _(version.problem) if version.problem in (NO_ANSWER, NO_PARENT) else version.problem
