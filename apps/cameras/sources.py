"""Where a camera's pictures come from, in the form that the data plane obeys."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from apps.cameras.models import Camera, CameraCredential
from apps.core import crypto
from inference_workers.contracts.lease import Source, SourceKind


def source_for(camera: Camera) -> Source:
    """The source with its credentials sealed for the data plane."""
    return Source(
        kind=SourceKind(camera.kind),
        url=camera.url,
        sealed_credentials=_lease_credentials(camera),
        transport=camera.transport,
        loop=camera.loop,
        realtime=camera.realtime,
        allowed_networks=tuple(camera.site.allowed_networks),
    )


def _lease_credentials(camera: Camera) -> str | None:
    """The token that was made when the credentials were set; made anew after a change of the lease key."""
    row = CameraCredential.objects.filter(camera=camera).first()
    if row is None:
        return None
    keys = MultiFernet([Fernet(key.strip()) for key in settings.LEASE_KEY.split(",")])
    try:
        keys.decrypt(row.lease_sealed.encode())
    except InvalidToken:
        row.lease_sealed = crypto.seal_for_lease(crypto.unseal(bytes(row.sealed)))
        row.save(update_fields=["lease_sealed"])
    return row.lease_sealed
