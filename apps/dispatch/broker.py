"""The way to the GPU queue has moved to `apps.core.broker`."""

from apps.core.broker import gpu_send

__all__ = ["gpu_send"]
