"""The walls around a process that opens files of strangers. It puts them up itself, before it reads anything.

Standard library only: nothing of numpy, onnx or onnxruntime is imported before the walls stand. Each layer
that the machine permits is used, and the names of those in force go into the report; without a filter of
system calls nothing is checked at all (x86_64 Linux, the only platform of the product, has it since 3.17).
"""

import ctypes
import errno
import os
import resource
import signal
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LIMITS = "limits"
NETWORK = "network namespace"
FILES = "file rules"
CALLS = "system call filter"
REQUIRED = frozenset({LIMITS, CALLS})

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_CLONE_NEWNET, _CLONE_NEWUSER, _CLONE_THREAD = 0x40000000, 0x10000000, 0x00010000
_OPEN_FILES = 128


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """`memory_bytes` is address space, `cpu_s` computing time over all threads."""

    memory_bytes: int
    cpu_s: int


def enter(limits: SandboxLimits, readable: Iterable[Path]) -> tuple[str, ...]:
    """Put up every wall that the machine permits; returns the names of those that stand."""
    with suppress(OSError):
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _prctl(_PR_SET_DUMPABLE, 0)
    layers = [LIMITS]
    if _leave_network():
        layers.append(NETWORK)
    _set_limits(limits)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    if _allow_reading_only(readable):
        layers.append(FILES)
    if _filter_calls():
        layers.append(CALLS)
    return tuple(layers)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def _set_limits(limits: SandboxLimits) -> None:
    """No file may be written, no core (it would hold the file), bounded memory, time and open files."""
    for kind, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.cpu_s),
    ):
        # A second above the soft limit, so that the signal of exhausted time is told from a kill.
        hard = value + 1 if kind == resource.RLIMIT_CPU else value
        resource.setrlimit(kind, (value, hard))
    # A write beyond the limit fails with EFBIG then, instead of ending the process.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def _leave_network() -> bool:
    """An own, empty network: not even loopback is up. Needs root or user namespaces."""
    if _libc.unshare(_CLONE_NEWNET) == 0:
        return True
    return bool(_libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0)


# --- Landlock (Linux 5.13): everything of the file system is refused but reading below some folders.

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_HANDLED_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}
_RULE_PATH_BENEATH = 1
_O_PATH = 0o10000000


def _allow_reading_only(readable: Iterable[Path]) -> bool:
    abi = _libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    if abi < 1:
        return False
    handled = ctypes.create_string_buffer(struct.pack("<Q", _HANDLED_BY_ABI[min(abi, 3)]))
    rules = _libc.syscall(_LANDLOCK_CREATE, handled, ctypes.c_size_t(8), 0)
    if rules < 0:
        return False
    try:
        for path in readable:
            _allow_below(rules, path)
        return bool(_libc.syscall(_LANDLOCK_RESTRICT, rules, 0) == 0)
    finally:
        os.close(rules)


def _allow_below(rules: int, path: Path) -> None:
    try:
        place = os.open(path, _O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # this machine has no such folder, so nothing of it has to be readable
    try:
        allowed = _READ_FILE | (_READ_DIR if path.is_dir() else 0)
        rule = ctypes.create_string_buffer(struct.pack("<Qi", allowed, place))
        if _libc.syscall(_LANDLOCK_ADD, rules, _RULE_PATH_BENEATH, rule, 0):
            raise OSError(ctypes.get_errno(), "landlock rule")
    finally:
        os.close(place)


# --- seccomp: no sockets, no other programs, no other processes, whatever the file makes the libraries do.

_DENIED = (
    # sockets
    41, 42, 43, 44, 45, 46, 47, 49, 50, 53, 288, 299, 307,
    # fork, vfork, execve, execveat
    57, 58, 59, 322,
    # signals to others, tracing, memory and descriptors of others
    62, 200, 234, 129, 297, 101, 310, 311, 312, 424, 434, 438, 440,
    # namespaces, mounts, modules, keys, clocks, the machine
    155, 161, 165, 166, 167, 168, 169, 170, 171, 175, 176, 246, 248, 249, 250, 272, 308, 313, 320, 428, 429,
    430, 431, 432, 433, 442, 164, 227, 305,
    # system interfaces that reach around a filter
    172, 173, 298, 321, 323, 425, 426, 427,
    # shared memory and queues of System V
    29, 30, 31, 64, 65, 66, 67, 68, 69, 70, 71,
)  # fmt: skip
_CLONE, _CLONE3 = 56, 435
_AUDIT_ARCH_X86_64 = 0xC000003E
_X32_BIT = 0x40000000
_ALLOW = 0x7FFF0000
_KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000
_LOAD, _JEQ, _JGE, _JSET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06


def _filter_calls() -> bool:
    program = _program()
    packed = ctypes.create_string_buffer(b"".join(program))
    header = ctypes.create_string_buffer(struct.pack("<HxxxxxxQ", len(program), ctypes.addressof(packed)))
    mode_filter = 2
    done = _libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(mode_filter), header, 0, 0)
    return bool(done == 0)


def _program() -> list[bytes]:
    """Classic BPF over `struct seccomp_data`: number at 0, architecture at 4, first argument at 16."""
    refuse = _step(_RETURN, _ERRNO | errno.EPERM)
    program = [
        _step(_LOAD, 4),
        _step(_JEQ, _AUDIT_ARCH_X86_64, 1, 0),
        _step(_RETURN, _KILL_PROCESS),
        _step(_LOAD, 0),
        _step(_JGE, _X32_BIT, 0, 1),
        _step(_RETURN, _KILL_PROCESS),
    ]
    for number in _DENIED:
        program += [_step(_JEQ, number, 0, 1), refuse]
    # clone3 hides its flags behind a pointer: libraries fall back to clone when it does not exist.
    program += [_step(_JEQ, _CLONE3, 0, 1), _step(_RETURN, _ERRNO | errno.ENOSYS)]
    # clone may make threads and no processes.
    program += [_step(_JEQ, _CLONE, 0, 3), _step(_LOAD, 16), _step(_JSET, _CLONE_THREAD, 1, 0), refuse]
    return [*program, _step(_RETURN, _ALLOW)]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)
