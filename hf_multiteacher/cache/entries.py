"""Keys and values as a store takes them."""

import numpy as np


def require_keys(keys: np.ndarray) -> None:
    """Refuse what are no keys.

    Raises:
        ValueError: They are of another type or shape than uint64, [entries, 2].
    """
    if keys.dtype != np.uint64 or keys.ndim != 2 or keys.shape[1] != 2:
        raise ValueError(f"Store expects keys as uint64, [entries, 2], but got {keys.dtype} of shape {keys.shape}.")


def rounded(values: np.ndarray, kind: str, width: int, dtype: str) -> np.ndarray:
    """Return an entry in the dtype of its store.

    Raises:
        ValueError: It has another shape than [rows, width], or a number that is infinite in that dtype only.
    """
    if values.ndim != 2 or values.shape[1] != width or values.dtype.kind != "f":
        raise ValueError(f"Store expects '{kind}' as floats, [rows, {width}], but got {values.dtype}, {values.shape}.")

    if np.can_cast(values.dtype, dtype):
        return values.astype(dtype, copy=False)

    with np.errstate(over="ignore"):
        result = values.astype(dtype)
    if (np.isinf(result) & np.isfinite(values)).any():
        raise ValueError(
            f"A number of '{kind}' is too large for {dtype} and would be read as infinite. Store it as float32 "
            "(teacher_cache_dtype)."
        )
    return result
