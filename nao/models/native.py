"""The kernels in C, `gram.c` and `polar.c`, compiled once for this kind of processor, and loaded.

The library lies in the user's cache folder ($XDG_CACHE_HOME or ~/.cache) under a name that sources,
compiler and flags determine; where that cannot be written, each process makes its own. Flags fix
the arithmetic: AVX2 and FMA or NEON whatever else the processor knows, sums in the order written,
no product fused but where the source says so. The same source then gives the same bits on every
machine.

No torch here, so that a workflow can ask what there is before it starts any job.
"""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Literal

from nao.files import atomic_path

SOURCES = tuple(Path(__file__).with_name(name) for name in ("gram.c", "polar.c", "lanes.h"))
FLAGS = ("-std=gnu11", "-O3", "-fPIC", "-shared", "-ffp-contract=off", "-fno-math-errno")
COMPILER = "cc"
INSTRUCTIONS = {"x86_64": ("-mavx2", "-mfma"), "aarch64": ()}
"""Processors whose fused products the source knows → the flags that allow them."""

NAMES = ("keys", "queries", "gain", "bias", "codes", "readout")
"""The weights, in the order that the kernel takes them."""

Kernel = Literal["torch", "native"]


class NativeError(RuntimeError):
    """The kernel is demanded and cannot be had; the message says why."""


def resolve(kernel: Literal["auto", "torch", "native"], device: str = "cpu") -> Kernel:
    """What evaluates transformers on that device; `auto` is native wherever it can be.

    The two answers differ in their last bits. So a workflow resolves `auto` once, for all its jobs,
    and what a job used is recorded; as with a device, a change is no reason to train again.
    Raises `NativeError` where `native` is demanded and cannot be had.
    """
    if device != "cpu" or kernel == "torch" or (kernel == "auto" and _library()[0] is None):
        return "torch"
    library()
    return "native"


def library() -> ctypes.CDLL:
    """The loaded kernel. Raises `NativeError`."""
    found, reason = _library()
    if found is None:
        raise NativeError(
            f"compute.kernel = 'native', but {reason}; "
            "set it to 'torch', or run where there is a C compiler"
        )
    return found


@cache
def _library() -> tuple[ctypes.CDLL | None, str]:
    """The kernel, or None and why there is none."""
    machine = platform.machine()
    if machine not in INSTRUCTIONS:
        return None, f"the kernel knows no processor of kind {machine!r}"
    if machine == "x86_64" and not {"avx2", "fma"} <= _processor_flags():
        return None, "the processor has no AVX2 and FMA"
    if shutil.which(COMPILER) is None:
        return None, f"no C compiler is found under the name {COMPILER}"
    try:
        return _loaded(), ""
    except (OSError, subprocess.CalledProcessError) as fault:
        output = getattr(fault, "stderr", None) or b""
        return None, f"{COMPILER} fails ({output.decode(errors='replace').strip() or fault})"


def _loaded() -> ctypes.CDLL:
    path = cached_path()
    try:
        if not path.exists():
            with atomic_path(path) as temporary:
                compile_kernel(temporary)
        return load(path)
    except OSError:  # a cache that cannot be written, or holds a damaged file
        with tempfile.TemporaryDirectory() as folder:
            compile_kernel(Path(folder, path.name))
            return load(Path(folder, path.name))


def _processor_flags() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    return set(next((line for line in lines if line.startswith("flags")), "").split())


def cached_path() -> Path:
    """Where the library of this source, compiler and flags lies, or would."""
    version = subprocess.run([COMPILER, "--version"], check=True, capture_output=True).stdout
    sources = b"".join(source.read_bytes() for source in SOURCES)
    key = hashlib.sha256(sources + version + repr(flags()).encode()).hexdigest()
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches, "nao", f"kernels-{key[:16]}.so")


def flags() -> tuple[str, ...]:
    """The compiler's flags on this machine."""
    return (*FLAGS, *INSTRUCTIONS[platform.machine()])


def compile_kernel(out: Path, *more: str) -> None:
    """Compile the sources into a shared library. Raises `CalledProcessError`, `OSError`."""
    sources = (str(source) for source in SOURCES if source.suffix == ".c")
    command = [COMPILER, *flags(), *more, *sources, "-o", str(out), "-lm"]
    subprocess.run(command, check=True, capture_output=True)


class Shape(ctypes.Structure):
    """`Shape` of `gram.c`."""

    _fields_ = (
        ("members", ctypes.c_int),
        ("contexts", ctypes.c_int),
        ("rows", ctypes.c_int),
        ("columns", ctypes.c_int),
        ("layers", ctypes.c_int),
        ("context_rows", ctypes.c_int),
        ("code_rows", ctypes.c_int),
        ("bias_rows", ctypes.c_int),
        ("target_rows", ctypes.c_int),
        ("target", ctypes.c_int),
        ("width", ctypes.c_int),
        ("attention_scale", ctypes.c_float),
        ("readout_scale", ctypes.c_float),
        ("token_member", ctypes.c_ssize_t),
        ("token_context", ctypes.c_ssize_t),
        ("target_member", ctypes.c_ssize_t),
        ("target_context", ctypes.c_ssize_t),
    )


class Parameters(ctypes.Structure):
    """`Parameters` of `gram.c`."""

    _fields_ = tuple((name, ctypes.c_void_p) for name in NAMES)


def load(path: str | Path) -> ctypes.CDLL:
    """The library under `path`, its functions declared. Raises `OSError`."""
    found = ctypes.CDLL(str(path))
    shape, parameters, numbers = (
        ctypes.POINTER(Shape),
        ctypes.POINTER(Parameters),
        ctypes.c_void_p,
    )
    found.nao_gram_room.argtypes, found.nao_gram_room.restype = [shape], ctypes.c_size_t
    found.nao_gram.argtypes = [
        *(shape, parameters, numbers, numbers, ctypes.c_float),
        *(numbers, numbers, numbers, parameters),
    ]
    found.nao_gram.restype = None
    sizes = (ctypes.c_int, ctypes.c_int)
    found.nao_polar_room.argtypes, found.nao_polar_room.restype = sizes, ctypes.c_size_t
    found.nao_polar.argtypes = [ctypes.c_int, *sizes, ctypes.c_int, numbers, numbers, numbers]
    found.nao_polar.restype = None
    return found
