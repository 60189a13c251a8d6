"""What tells the weights of one model from another's, quantised or not."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..models.task import adapters_of, without_adapters

PLAIN = (bool, int, float, complex, str, bytes, torch.dtype, torch.device, torch.layout, type(None))


OF_A_MODEL = ("config.json", "*.safetensors", "pytorch_model*.bin", "*.index.json", "*.py")
AT_ONCE = 2**24
WHERE_FROM = ("_name_or_path", "name_or_path", "base_model_name_or_path", "transformers_version", "revision")


def file_fingerprint(folder: str | os.PathLike[str]) -> str:
    """Return `sha256:...` over the names and bytes of the files of a model, none of which is loaded."""
    digest = hashlib.sha256()

    for path in sorted({path for pattern in OF_A_MODEL for path in Path(folder).glob(pattern)}):
        digest.update(f"{path.name} {path.stat().st_size};".encode())
        with path.open("rb") as file:
            while part := file.read(AT_ONCE):
                digest.update(part)

    return f"sha256:{digest.hexdigest()}"


def configuration_fingerprint(model: nn.Module) -> str:
    """Return `sha256:...` over what a model's configuration, and that of its adapters, say beside where they are from.

    Two models with the same weights may have other numbers of heads, or adapters of other strength.
    """
    adapters = adapters_of(model)
    parts = [without_adapters(model).config, *(adapters.peft_config.values() if adapters is not None else ())]

    said = [{key: value for key, value in part.to_dict().items() if key not in WHERE_FROM} for part in parts]
    text = json.dumps(
        said, sort_keys=True, default=lambda value: sorted(map(str, value)) if isinstance(value, set) else str(value)
    )
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def weight_fingerprint(model: nn.Module) -> str:
    """Return `sha256:...` over the names, shapes and bytes of a model's state dict.

    Quantised layers keep packed weights, scales and types there, which count as well; a compiled model is the model
    that was compiled.
    """
    digest = hashlib.sha256()

    # torch.compile puts itself into the names of what it is given.
    entries = {name.replace("_orig_mod.", ""): value for name, value in model.state_dict().items()}
    for name, value in sorted(entries.items()):
        for part, tensor in _tensors(name, value):
            digest.update(f"{part} {tuple(tensor.shape)};".encode())
            digest.update(_bytes(tensor))

    return f"sha256:{digest.hexdigest()}"


def _tensors(name: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    """Yield an entry of a state dict as dense tensors: itself, or its parts, whose names say what else it holds."""
    if isinstance(value, Tensor):
        yield from _dense(name, value)
    elif isinstance(value, Mapping):
        for key in sorted(value, key=str):
            yield from _tensors(f"{name}.{key}", value[key])
    elif isinstance(value, tuple | list):
        for index, each in enumerate(value):
            yield from _tensors(f"{name}[{index}]", each)
    elif isinstance(value, torch.ScriptObject) and hasattr(value, "__getstate__"):
        yield from _tensors(name, value.__getstate__())
    else:
        # Of other objects only the type: how they print may hold an address, another one in every process.
        yield f"{name}={value!r}" if isinstance(value, PLAIN) else f"{name}:{type(value).__name__}", torch.empty(0)


def _dense(name: str, tensor: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Yield a tensor of any layout as dense ones."""
    if tensor.is_quantized:
        yield from _tensors(f"{name}:{tensor.dtype}", tensor.int_repr())
        yield from _tensors(f"{name}.scale", _scale(tensor))
    elif tensor.layout is not torch.strided:
        yield from _dense(f"{name}:{tensor.layout}", tensor.to_dense())
    elif hasattr(tensor, "__tensor_flatten__"):
        parts, context = tensor.__tensor_flatten__()
        yield from _tensors(name, {part: getattr(tensor, part) for part in parts})
        yield from _tensors(f"{name}.context", context)
    else:
        yield name, tensor


def _scale(tensor: Tensor) -> Any:
    if tensor.qscheme() in (torch.per_tensor_affine, torch.per_tensor_symmetric):
        return [tensor.q_scale(), tensor.q_zero_point()]
    return [tensor.q_per_channel_scales(), tensor.q_per_channel_zero_points(), tensor.q_per_channel_axis()]


def _bytes(tensor: Tensor) -> Any:
    # The weights of an offloaded model are not there to be read.
    if tensor.is_meta:
        return str(tensor.dtype).encode()
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
