"""Precision against speed: a version and what was made of it, a table and a picture per labelled set."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from apps.accounts.models import User
from apps.evaluations.charts import Dot, dots_of
from apps.evaluations.models import Evaluation
from apps.evaluations.selectors import variants_of
from apps.registry.models import ModelVersion


@dataclass(frozen=True, slots=True)
class SpeedTable:
    """`dots`: the parent's, then one for each of `rows`. Figures of two sets do not stand in one picture."""

    parent: ModelVersion
    set_name: str
    dots: list[Dot]
    rows: list[tuple[Evaluation, Dot]]


def speed_tables(user: User, parents: Iterable[ModelVersion]) -> list[SpeedTable]:
    """By the parent's name, the set that was measured on last first."""
    known = {parent.pk: parent for parent in parents}
    groups: dict[tuple[UUID, str], list[Evaluation]] = defaultdict(list)
    for row in variants_of(user, known.values()):
        if row.base_id is not None:
            groups[row.base_id, row.set_name].append(row)
    newest_first = sorted(
        groups.items(), key=lambda group: max(row.created_at for row in group[1]), reverse=True
    )
    tables = [_table(known[key], set_name, rows) for (key, set_name), rows in newest_first]
    return sorted(tables, key=lambda table: table.parent.name)


def _table(parent: ModelVersion, set_name: str, rows: list[Evaluation]) -> SpeedTable:
    own = Dot(parent.name, parent.kind, float(rows[0].summary["base_ap"]), 1.0, "")
    dots = dots_of([own, *map(_dot, rows)])
    return SpeedTable(parent, set_name, dots, list(zip(rows, dots[1:], strict=True)))


def _dot(row: Evaluation) -> Dot:
    name, kind = (row.candidate.name, row.candidate.kind) if row.candidate else ("", "")
    slower = float(row.summary["candidate_p50_ms"]) / max(0.001, float(row.summary["base_p50_ms"]))
    gate = row.variant_of.gate if row.variant_of else ""
    return Dot(name, kind, float(row.summary["candidate_ap"]), slower, gate)
