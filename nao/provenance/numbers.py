"""Tables of results, read for what they say; they may be broken, since they are under suspicion."""

from pathlib import Path

import pandas as pd
import pyarrow as pa


class UnreadableTable(ValueError):
    """A Parquet file that cannot be read."""


def read_table(path: Path) -> pd.DataFrame:
    """The table in a Parquet file; raises :class:`UnreadableTable` where there is none."""
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise UnreadableTable(f"{path} cannot be read as a table: {reason}") from None
