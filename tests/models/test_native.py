"""How the kernel is built and found; that its bits are its source's; that it keeps bounds."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nao.models import native
from nao.models.native import library as kernel
from nao.provenance.fingerprint import code_files

ROOT = Path(__file__).parents[2]


def python(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own, for each loads the kernel once."""
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )


LOAD = "from nao.models.native import library, cached_path; library(); print(cached_path())"


def test_it_is_compiled_once_into_the_users_cache(tmp_path):
    """And a library that is damaged there is not used."""
    first = python(LOAD, XDG_CACHE_HOME=str(tmp_path))
    path = Path(first.stdout.strip())
    assert [path] == list(tmp_path.rglob("*.*"))
    made = path.stat().st_mtime_ns
    assert python(LOAD, XDG_CACHE_HOME=str(tmp_path)).stdout == first.stdout
    assert path.stat().st_mtime_ns == made
    path.write_bytes(b"no library")
    assert python(LOAD, XDG_CACHE_HOME=str(tmp_path)).stdout == first.stdout


def test_without_a_cache_that_can_be_written_it_is_compiled_elsewhere(tmp_path):
    (tmp_path / "file").touch()
    loaded = python(LOAD, XDG_CACHE_HOME=str(tmp_path / "file"))
    assert loaded.returncode == 0, loaded.stderr


def test_without_a_compiler_torch_evaluates(tmp_path):
    resolved = python(
        "from nao.models.native import NativeError, resolve\n"
        "print(resolve('auto'), resolve('torch'))\n"
        "try: resolve('native')\n"
        "except NativeError as error: print(error)",
        PATH=str(tmp_path),
    )
    names, sentence = resolved.stdout.splitlines()
    assert names == "torch torch"
    assert sentence.startswith("compute.kernel = 'native', but no C compiler")


def test_on_a_gpu_torch_evaluates():
    assert (native.resolve("auto", "cuda"), native.resolve("auto", "cpu")) == ("torch", "native")


def test_asking_for_the_kernel_loads_no_torch():
    asked = python(
        "import sys, nao.models.native as n; n.resolve('auto'); print('torch' in sys.modules)"
    )
    assert asked.stdout == "False\n"


def test_its_sources_are_part_of_the_codes_fingerprint():
    files = code_files(ROOT / "workflow/scripts/train.py")
    assert {f"nao/models/{name}" for name in ("gram.c", "polar.c", "lanes.h")} <= files.keys()


EVALUATE = """
import ctypes, sys
import numpy as np
from nao.models import native
from nao.models.native import library as kernel

def evaluate(library, n=5, d=9, members=2, contexts=11, layers=2, codes=3, blank=3, target=1):
    '''Every result of the kernel on drawn numbers, as one array.'''
    rng = np.random.default_rng(0)
    rows, columns, width = n + blank, d + 1, 4
    def drawn(*shape):
        return rng.standard_normal(shape).astype(np.float32)
    weights = [
        drawn(members, layers + 1, width, rows + 1), drawn(members, layers + 1, width, rows + 1),
        drawn(members, layers, rows, columns), drawn(members, layers, codes or rows, columns),
        drawn(members, codes, columns), drawn(members, columns),
    ]
    tokens = drawn(members, contexts, n, columns)
    answer = drawn(members, contexts, n, columns) if target == 1 else drawn(members, contexts, d)
    shape = native.Shape(
        members, contexts, rows, columns, layers, n, codes, codes or rows,
        answer.shape[2] if target else 0, target, width, 0.1, 0.2,
        contexts * n * columns, n * columns, answer[0].size, answer[0, 0].size)
    room = np.empty(library.nao_gram_room(shape) + 16, np.float32)
    room = room[-room.ctypes.data // 4 % 16:]
    found = [np.zeros_like(value) for value in weights]
    estimates, losses = np.zeros((members, contexts, d), np.float32), np.zeros(members, np.float32)
    at = lambda values: values.ctypes.data
    library.nao_gram(
        shape, native.Parameters(*map(at, weights)), at(tokens), at(answer), 0.5, at(room),
        at(estimates), at(losses), native.Parameters(*map(at, found)))
    return np.concatenate([part.ravel() for part in (estimates, losses, *found)])

CASES = [
    {}, {"target": 2}, {"target": 3}, {"target": 0}, {"codes": 0, "blank": 0}, {"blank": 0},
    {"layers": 0}, {"n": 2, "d": 1, "contexts": 1}, {"n": 13, "d": 16, "contexts": 8},
]

def factors(library, count, rows, columns):
    '''Orthogonal factors of drawn matrices.'''
    drawn = np.random.default_rng(1).standard_normal((count, rows, columns)).astype(np.float32)
    polynomial = np.array([3.4445, -4.775, 2.0315], np.float32)
    room = np.empty(library.nao_polar_room(rows, columns) + 16, np.float32)
    room = room[-room.ctypes.data // 4 % 16:]
    at = lambda values: values.ctypes.data
    library.nao_polar(count, rows, columns, 5, at(polynomial), at(room), at(drawn))
    return drawn

STACKS = [(1, 1, 1), (3, 5, 9), (8, 9, 5), (17, 4, 4)]
"""


def compiled(path: Path, *flags: str) -> Path:
    sources = (str(source) for source in native.SOURCES if source.suffix == ".c")
    command = [native.COMPILER, *flags, *sources, "-o", str(path), "-lm"]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"{' '.join(flags)}: the compiler has no such thing")
    return path


def test_the_bits_are_those_of_the_source_on_any_processor(tmp_path):
    """Also without the processor's fused products, and with little optimisation."""
    space: dict = {}
    exec(EVALUATE, space)
    plain = native.load(compiled(tmp_path / "plain.so", *native.FLAGS, "-O1"))
    for case in space["CASES"]:
        expected = space["evaluate"](kernel(), **case)
        assert np.isfinite(expected).all()
        np.testing.assert_array_equal(space["evaluate"](plain, **case), expected)
    for stack in space["STACKS"]:
        expected = space["factors"](kernel(), *stack)
        np.testing.assert_array_equal(space["factors"](plain, *stack), expected)


def test_it_keeps_within_its_arrays_and_the_language(tmp_path):
    """Address and undefined-behaviour sanitizers, on NumPy's arrays."""
    path = tmp_path / "checked.so"
    compiled(path, *native.flags(), "-O0", "-fsanitize=address,undefined")
    runtime = subprocess.run(
        [native.COMPILER, "-print-file-name=libasan.so"], capture_output=True, text=True
    ).stdout.strip()
    program = (
        f"{EVALUATE}\nlibrary = native.load({str(path)!r})\n"
        "for case in CASES: evaluate(library, **case)\n"
        "for stack in STACKS: factors(library, *stack)"
    )
    options = {"LD_PRELOAD": runtime, "ASAN_OPTIONS": "detect_leaks=0", "OMP_NUM_THREADS": "1"}
    checked = python(program, UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1", **options)
    assert checked.returncode == 0, checked.stderr
    # And it would have been seen: one row less than the kernel is told.
    beyond = program.replace("drawn(members, contexts, n, columns)\n", "drawn(columns)\n")
    assert "heap-buffer-overflow" in python(beyond, **options).stderr
    beyond = program.replace("((count, rows, columns))", "((count, rows, columns - 1))")
    assert "heap-buffer-overflow" in python(beyond, **options).stderr
