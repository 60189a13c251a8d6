"""What tells one reading from another: all that a teacher is given of an example, and where its answer is wanted."""

from collections.abc import Mapping
from hashlib import blake2b

import numpy as np
from torch import Tensor

DIGEST = 16


def reading_keys(inputs: Mapping[str, Tensor], marks: Mapping[str, Tensor]) -> np.ndarray:
    """Give each example of a batch a key that its padding and the other examples do not change.

    Args:
        inputs: What the teacher is given, `input_ids`, `attention_mask` ... [batch, ...].
        marks: What decides about the answer beside it: which tokens are asked for, which spans they make; [batch,
            length].

    Returns:
        uint64 [batch, 2], 128 bits of a hash over all of it.
    """
    columns = {name: tensor.detach().cpu().numpy() for name, tensor in sorted({**inputs, **marks}.items())}
    ids = columns["input_ids"]
    real = columns.get("attention_mask", np.ones_like(ids)) != 0

    digests = [_digest(columns, real[row], row) for row in range(len(ids))]
    return np.frombuffer(b"".join(digests), np.uint64).reshape(-1, 2)


def _digest(columns: Mapping[str, np.ndarray], real: np.ndarray, row: int) -> bytes:
    digest = blake2b(digest_size=DIGEST)
    places = np.flatnonzero(real)
    digest.update(places.tobytes())  # padding on the left moves a text to other positions

    for name, values in columns.items():
        of_row = values[row]
        if of_row.shape[:1] == real.shape:
            of_row = of_row[places]
        whole = of_row.astype(np.int64) if of_row.dtype.kind in "biu" else np.ascontiguousarray(of_row)
        digest.update(f"{name} {whole.dtype.str} {whole.shape};".encode())
        digest.update(whole.tobytes())

    return digest.digest()
