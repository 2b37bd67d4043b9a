"""`python -m inference_workers.streams`: the streams process of this machine or shard."""

import cv2

from inference_workers.observability import configure
from inference_workers.settings import settings
from inference_workers.streams.supervisor import Supervisor

if __name__ == "__main__":
    configure(settings(), "streams")
    # Every camera has its thread; OpenCV's own pool would only make them wait for each other.
    cv2.setNumThreads(1)
    Supervisor(settings()).run()
