"""`python -m inference_workers.streams`: the streams process of this machine or shard."""

from inference_workers.observability import configure
from inference_workers.settings import settings
from inference_workers.streams.supervisor import Supervisor

if __name__ == "__main__":
    configure(settings(), "streams")
    Supervisor(settings()).run()
