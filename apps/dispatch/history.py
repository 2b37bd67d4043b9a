"""The history of leases as the database keeps it: nothing but the data plane's confirmation is ever added."""

from apps.audit.append_only import History

LEASE_CHANGES = History(
    "dispatch_leasechange", keys=(("id",), ("camera_id", "revision")), once="confirmed_at"
)
