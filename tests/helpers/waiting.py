"""Tells which operations of a step would make a GPU wait, on a machine without one."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils._python_dispatch import TorchDispatchMode

# They give the host a number, or their result a size that depends on the data.
WAIT = {
    "_local_scalar_dense",
    "bincount",
    "equal",
    "is_nonzero",
    "masked_select",
    "nonzero",
    "nonzero_static",
    "_unique2",
    "unique_consecutive",
    "unique_dim",
}
WITH_INDICES = {"index", "index_put", "index_put_", "_unsafe_index", "_index_put_impl_"}
# transformers looks whether the mask is all ones before every forward with attn_implementation="sdpa".
OF_TRANSFORMERS = "masking_utils.py"
# The trainer's counts go to a GPU from pinned memory, without waiting.
PINNED = "_count"


class Waits(TorchDispatchMode):
    """Notes where somebody waits; what the host makes of its own numbers has to go to the device, which waits too."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.of_transformers = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        """Run an operation."""
        name = function.overloadpacket.__name__
        masks = name in WITH_INDICES and any(
            index is not None and index.dtype in (torch.bool, torch.uint8) for index in args[1]
        )
        repeats = name == "repeat_interleave" and (kwargs or {}).get("output_size") is None
        if name in WAIT or masks or repeats or name == "lift_fresh":
            self._note(name)
        return function(*args, **kwargs or {})

    def _note(self, name: str) -> None:
        frames = [frame for frame in traceback.extract_stack() if "waiting.py" not in frame.filename]
        if any(OF_TRANSFORMERS in frame.filename for frame in frames):
            self.of_transformers += 1
            return

        ours = [frame for frame in frames if "hf_multiteacher" in frame.filename] or frames
        if name == "lift_fresh" and ours[-1].name == PINNED:
            return

        self.found.append(f"{name} in {ours[-1].filename.split('hf_multiteacher')[-1]}:{ours[-1].lineno}")


@contextmanager
def waits() -> Iterator[Waits]:
    """Note who would wait in the block."""
    with Waits() as noted:
        yield noted
