"""The engine's one error type."""


class EngineError(Exception):
    """A step of the engine cannot be done.

    Attributes:
        code: stable identifier for programs, such as `model_wrong_hash`.
        transient: True when the same call may succeed later without anybody's help.
    """

    def __init__(self, code: str, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.transient = transient
