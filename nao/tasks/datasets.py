"""Data sets: contexts of one problem, to and from Parquet.

A row is a context. Columns, as fixed-size lists of float32 in row-major order:

    x (n·d), y (n), w (d), and in training files x_heldout (m·d), y_heldout (m), replicate (int32)

where the held-out rows share the context's w. The truth is one row of float64: the moments w_0, U,
Λ, Σ_x and σ_ε of its laws. Every file carries its `DatasetSpec` and role in the schema metadata,
and checksums of its pages. Contexts are drawn in blocks of 1024, each from a stream of its own,
named by role, replicate and block: memory stays bounded, and n_s = 100 is the beginning of 1000.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float
from pydantic import ValidationError

from nao.files import atomic_path
from nao.seeding import stream
from nao.specs import DatasetSpec
from nao.tasks.designs import Design, draw_design
from nao.tasks.problems import Contexts, Problem, draw_problem, sample_contexts

FORMAT = "nao.dataset/1"
METADATA_KEY = b"nao"
BLOCK = 1024  # contexts in a random stream, and in a row group


class DatasetError(ValueError):
    """A file that is no data set of ours, or a damaged one; the message names the remedy."""


def write_dataset(
    spec: DatasetSpec, train: str | Path, test: str | Path, truth: str | Path
) -> None:
    """Draw the problem of `spec` and its contexts, and write the three files, each atomically."""
    problem = draw_problem(spec.problem, spec.seed)
    write_truth(truth, problem, spec)
    write_contexts(test, problem, spec, "test")
    write_contexts(train, problem, spec, "train")


def draw_blocks(
    problem: Problem, spec: DatasetSpec, role: str, replicate: int = 0
) -> Iterator[tuple[Contexts, Contexts]]:
    """Blocks of (contexts, their held-out rows) of one role and replicate, in float32.

    Test contexts belong to every replicate alike and have no held-out rows.
    """
    count = spec.train_contexts if role == "train" else spec.test_contexts
    n = spec.context_length
    rows = n + spec.heldout_length if role == "train" else n
    for block in range(-(-count // BLOCK)):
        rng = stream(spec.seed, role, replicate, block)
        # A whole block even where fewer are kept, so that a smaller set is a prefix of a larger.
        drawn = sample_contexts(problem, rows, BLOCK, rng, np.float32, role)
        kept = slice(min(BLOCK, count - block * BLOCK))
        x, y = drawn.x[kept], drawn.y[kept]
        assert drawn.w is not None
        w = drawn.w[kept]
        yield Contexts(x[:, :n], y[:, :n], w), Contexts(x[:, n:], y[:, n:], w)


def write_contexts(path: str | Path, problem: Problem, spec: DatasetSpec, role: str) -> None:
    """Write all contexts of a role, `train` (every replicate) or `test`, block by block."""
    with_heldout = role == "train"
    schema = _contexts_schema(spec, role)
    first, count = spec.first_replicate, spec.replicates
    replicates = range(first, first + count) if with_heldout else range(1)
    with (
        atomic_path(path) as temporary,
        pq.ParquetWriter(
            temporary,
            schema,
            compression="none",  # random numbers do not compress
            use_dictionary=False,
            write_statistics=["replicate"],  # pyright: ignore[reportArgumentType]  # to find a replicate's row groups
            write_page_checksum=True,
        ) as writer,
    ):
        for replicate in replicates:
            for contexts, heldout in draw_blocks(problem, spec, role, replicate):
                numbers = np.full(len(contexts), replicate, np.int32)
                columns = {"x": contexts.x, "y": contexts.y, "w": contexts.w}
                columns |= {"x_heldout": heldout.x, "y_heldout": heldout.y, "replicate": numbers}
                writer.write_table(_table(columns, schema), row_group_size=BLOCK)


def write_truth(path: str | Path, problem: Problem, spec: DatasetSpec) -> None:
    """Write the moments of the problem as one row of float64."""
    columns = {
        "prior_mean": problem.prior_mean[None],
        "prior_basis": problem.prior_basis[None],
        "prior_variances": problem.prior_variances[None],
        "design_covariance": problem.design_covariance[None],
        "noise_std": np.array([problem.noise_std]),
    }
    fields = [
        (name, pa.list_(pa.float64(), v[0].size) if v.ndim > 1 else pa.float64())
        for name, v in columns.items()
    ]
    schema = pa.schema(fields, metadata=_metadata(spec, "truth"))
    with atomic_path(path) as temporary:
        table = _table(columns, schema)
        pq.write_table(table, temporary, compression="none", write_page_checksum=True)


def read_contexts(
    path: str | Path, columns: Sequence[str] = ("x", "y"), replicate: int | None = None
) -> Contexts:
    """Contexts of a training or test file: `x` and `y`, and `w` only if `columns` asks for it.

    `replicate` picks one of a training file's; None takes all rows. Columns that are not asked
    for are not read. Raises `DatasetError` for a truncated, damaged or foreign file.
    """
    return _collect(path, ("x", "y"), "w" in columns, replicate)


def read_heldout(path: str | Path, replicate: int | None = None) -> Contexts:
    """The held-out rows of a training file, in the order of `read_contexts`."""
    return _collect(path, ("x_heldout", "y_heldout"), False, replicate)


def read_spec(path: str | Path) -> DatasetSpec:
    """The specification that a data set file was made from."""
    with _open(path) as file:
        return _spec(file, path)


def read_design(path: str | Path) -> Design:
    """The law of the rows in a data set file, by its specification and seed; never of w."""
    spec = read_spec(path)
    return draw_design(spec.problem.design, spec.problem.dimension, spec.seed)


def read_truth(path: str | Path) -> Problem:
    """The problem behind a data set: drawn anew, and held against the moments in the file.

    Raises `DatasetError` as `read_contexts` does, and where the moments are others.
    """
    with _open(path, "truth") as file:
        spec = _spec(file, path)
        row = _read(file, path, None, list(range(file.num_row_groups)))
    problem = draw_problem(spec.problem, spec.seed)
    basis = _values(row, "prior_basis").reshape(problem.dimension, -1)
    stored = {
        "prior_mean": _values(row, "prior_mean"),
        "prior_covariance": (basis * _values(row, "prior_variances")) @ basis.T,
        "design_covariance": _values(row, "design_covariance").reshape(problem.dimension, -1),
        "noise_std": _values(row, "noise_std")[0],
    }
    for name, moments in stored.items():
        if not np.allclose(getattr(problem, name), moments, rtol=1e-6, atol=1e-9):
            raise DatasetError(
                f"{path} holds another {name} than its specification and seed give; "
                "remove it and make the data set anew"
            )
    return problem


def _collect(
    path: str | Path, names: tuple[str, str], with_w: bool, replicate: int | None
) -> Contexts:
    with _open(path, "train", "test") as file:
        d = _spec(file, path).problem.dimension
        wanted = [*names, *(["w"] if with_w else [])]
        if absent := set(wanted) - set(file.schema_arrow.names):
            raise DatasetError(
                f"{path} has no column {', '.join(sorted(absent))}; "
                f"it holds {', '.join(file.schema_arrow.names)}, so read a training file instead"
            )
        table = _read(file, path, wanted, _row_groups(file, path, replicate))
    count = table.num_rows
    return Contexts(
        x=_values(table, names[0]).reshape(count, -1, d),
        y=_values(table, names[1]).reshape(count, -1),
        w=_values(table, "w").reshape(count, d) if with_w else None,
    )


def _row_groups(file: pq.ParquetFile, path: str | Path, replicate: int | None) -> list[int]:
    """The row groups of one replicate, by their statistics; each holds one replicate alone."""
    everything = list(range(file.num_row_groups))
    if replicate is None:
        return everything
    column = file.schema_arrow.get_field_index("replicate")
    if column < 0:
        raise DatasetError(f"{path} has no replicates; read it without replicate = {replicate}")
    numbers = [file.metadata.row_group(i).column(column).statistics.min for i in everything]
    groups = [i for i, number in zip(everything, numbers, strict=True) if number == replicate]
    if not groups:
        held = ", ".join(str(number) for number in sorted(set(numbers)))
        raise DatasetError(f"{path} has no replicate {replicate}; choose among {held}")
    return groups


def _open(path: str | Path, *roles: str) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False)
    except FileNotFoundError:
        raise DatasetError(f"{path} does not exist; let the workflow make it") from None
    except (pa.ArrowException, OSError) as fault:
        raise _damaged(path, fault) from None
    marks = (file.schema_arrow.metadata or {}).get(METADATA_KEY)
    role = _decode(marks).get("role") if marks else None
    if role is None:
        raise DatasetError(
            f"{path} is not a data set of this program (its schema has no {FORMAT!r} mark); "
            "remove it and let the workflow make it"
        )
    if roles and role not in roles:
        raise DatasetError(f"{path} holds the role {role!r}; give a {' or '.join(roles)} file")
    return file


def _spec(file: pq.ParquetFile, path: str | Path) -> DatasetSpec:
    values = _decode((file.schema_arrow.metadata or {})[METADATA_KEY])["spec"]
    try:
        return DatasetSpec.model_validate(values)
    except ValidationError as fault:
        raise DatasetError(
            f"{path} was made from a specification that this version does not know "
            f"({fault.error_count()} faulty keys in its schema); remove it and make it anew"
        ) from None


def _decode(marks: bytes) -> dict[str, Any]:
    """Our mark in the schema metadata; empty where it is another's or a later format's."""
    try:
        values = json.loads(marks)
    except ValueError:
        return {}
    return values if isinstance(values, dict) and values.get("format") == FORMAT else {}


def _read(
    file: pq.ParquetFile, path: str | Path, columns: list[str] | None, groups: list[int]
) -> pa.Table:
    try:
        return file.read_row_groups(groups, columns=columns)
    except (pa.ArrowException, OSError) as fault:
        raise _damaged(path, fault) from None


def _damaged(path: str | Path, fault: Exception) -> DatasetError:
    reason = str(fault).splitlines()[0].rstrip(".")
    return DatasetError(
        f"{path} is truncated or not Parquet ({reason}); remove it and let the workflow make it"
    )


def _contexts_schema(spec: DatasetSpec, role: str) -> pa.Schema:
    n, d, m = spec.context_length, spec.problem.dimension, spec.heldout_length
    sizes = {"x": n * d, "y": n, "w": d}
    if role == "train":
        sizes |= {"x_heldout": m * d, "y_heldout": m}
    fields = [pa.field(name, pa.list_(pa.float32(), size)) for name, size in sizes.items()]
    if role == "train":
        fields.append(pa.field("replicate", pa.int32()))
    return pa.schema(fields, metadata=_metadata(spec, role))


def _metadata(spec: DatasetSpec, role: str) -> dict[bytes, bytes]:
    values = {"format": FORMAT, "role": role, "spec": spec.model_dump(mode="json")}
    return {METADATA_KEY: json.dumps(values, sort_keys=True).encode()}


def _table(columns: Mapping[str, np.ndarray], schema: pa.Schema) -> pa.Table:
    arrays = []
    for field in schema:
        flat = pa.array(np.ravel(columns[field.name]))
        if pa.types.is_fixed_size_list(field.type):
            flat = pa.FixedSizeListArray.from_arrays(flat, field.type.list_size)
        arrays.append(flat)
    return pa.Table.from_arrays(arrays, schema=schema)


def _values(table: pa.Table, name: str) -> Float[np.ndarray, " values"]:
    """All numbers of a column in one array, copied so that it is writable and owns its memory."""
    chunks = table.column(name).chunks
    flat = [c.flatten() if pa.types.is_fixed_size_list(c.type) else c for c in chunks]
    return np.concatenate([c.to_numpy(zero_copy_only=False) for c in flat])
