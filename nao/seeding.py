"""Random streams by name: one root seed, a role, and whatever tells its uses apart.

A stream is a counter-based generator (Philox) whose 128-bit key is read off the SHA-256 of its
name, so that streams need no shared state, may be opened in any order or process, and never
overlap: two names meet only if 128 bits of SHA-256 collide.
"""

import hashlib
import json
from operator import index
from typing import SupportsIndex

import numpy as np

Label = str | SupportsIndex


def stream_key(root: SupportsIndex, *labels: Label) -> int:
    """The 128-bit Philox key of the stream named (root, *labels).

    The name is encoded as a JSON array, in which 1 and "1", or ("a", "b") and ("ab",), differ.
    Raises TypeError for a label that is neither a string nor an integer.
    """
    name = [index(root), *(label if isinstance(label, str) else index(label) for label in labels)]
    # "surrogatepass": a lone surrogate is a legal Python string, and must not make a stream fail.
    encoded = json.dumps(name, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(encoded).digest()[:16], "little")


def stream(root: SupportsIndex, *labels: Label) -> np.random.Generator:
    """A generator at the start of the stream named (root, *labels); global state is not touched.

    Example: ``stream(0, "train", replicate)`` and ``stream(0, "test")``.
    """
    return np.random.Generator(np.random.Philox(key=stream_key(root, *labels)))
