"""What was served when, and what happened to a rollout, cannot be edited: the database itself refuses."""

import pytest
from django.db import DatabaseError, connection, transaction

from apps.cameras.services import camera_delete
from apps.core.clock import now
from apps.dispatch.leases import lease_for
from apps.dispatch.models import LeaseChange
from apps.rollouts import services
from apps.rollouts.models import RolloutStep, ServingEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(prepared, fleet):
    lease_for(fleet[0])
    services.serving_noted()
    prepared()
    return {
        "dispatch_leasechange": LeaseChange.objects.get(),
        "rollouts_rolloutstep": RolloutStep.objects.get(),
        "rollouts_servingentry": ServingEntry.objects.get(),
    }


CHANGES = {
    "dispatch_leasechange": ("reason", "'never happened'"),
    "rollouts_rolloutstep": ("actor_name", "'somebody else'"),
    "rollouts_servingentry": ("actor_name", "'somebody else'"),
}


def refused(sentence):
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sentence)


@pytest.mark.parametrize("table", list(CHANGES))
def test_a_row_of_history_is_neither_changed_nor_deleted(rows, table):
    column, value = CHANGES[table]
    refused(f"UPDATE {table} SET {column} = {value}")
    refused(f"DELETE FROM {table}")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        type(rows[table]).objects.all().delete()
    assert type(rows[table]).objects.get().pk == rows[table].pk


@pytest.mark.parametrize("table", list(CHANGES))
def test_a_row_is_not_replaced_either(rows, table):
    if connection.vendor != "sqlite":
        connection.check_constraints()  # what waits for the end of the transaction is checked first
        refused(f"TRUNCATE {table} CASCADE")
        return
    key = "number" if table == "rollouts_servingentry" else "id"
    refused(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} WHERE {key} IS NOT NULL")


def test_a_confirmation_is_added_once_and_nothing_with_it(rows):
    at = now()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        LeaseChange.objects.update(confirmed_at=at, reason="never happened")
    assert LeaseChange.objects.update(confirmed_at=at) == 1
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        LeaseChange.objects.update(confirmed_at=now())
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        LeaseChange.objects.update(confirmed_at=None)


def test_the_history_outlives_its_camera(rows, adam, fleet):
    key = fleet[0].pk
    camera_delete(acting_user=adam, camera=fleet[0], version=fleet[0].version)
    assert LeaseChange.objects.filter(camera_id=key).exists()
