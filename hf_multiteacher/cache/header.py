"""The head of a shard: a safetensors header that can be written in one way only, so that no change of it passes."""

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .damage import damaged

FORMAT = "hf_multiteacher.cache/1"
DTYPES = {"float16": "F16", "float32": "F32"}
LONGEST = 2**16
ALIGNMENT = 8


@dataclass(frozen=True)
class Header:
    """What a shard holds.

    Attributes:
        teacher: Fingerprint of the teacher.
        kind: Kind of output, such as `logits`.
        dtype: `float16` or `float32`.
        width: Numbers in a row.
        entries: How many there are.
        rows: How many those have together.
        checksum: SHA-256 over the index, that is everything but the values.
    """

    teacher: str
    kind: str
    dtype: str
    width: int
    entries: int
    rows: int
    checksum: str

    @property
    def arrays(self) -> dict[str, tuple[str, str, tuple[int, ...]]]:
        """Name -> type of numpy, type of safetensors, shape; in the order in which they follow each other."""
        code = DTYPES[self.dtype]
        return {
            "keys": ("<u8", "U64", (self.entries, 2)),
            "starts": ("<i8", "I64", (self.entries + 1,)),
            "checksums": ("<u4", "U32", (self.entries,)),
            "values": (f"<f{int(code[1:]) // 8}", code, (self.rows, self.width)),
        }

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return len(self.encoded()) + sum(self._sizes().values())

    def offsets(self) -> dict[str, int]:
        """Name -> where in the file an array begins."""
        offsets, begin = {}, len(self.encoded())

        for name, size in self._sizes().items():
            offsets[name] = begin
            begin += size
        return offsets

    def encoded(self) -> bytes:
        """Write the header as safetensors has it: its length, then JSON, filled up with blanks."""
        names = {"format": FORMAT, "teacher": self.teacher, "kind": self.kind, "checksum": self.checksum}
        fields: dict[str, Any] = {"__metadata__": names}

        begin = 0
        for name, size in self._sizes().items():
            _, dtype, shape = self.arrays[name]
            fields[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, begin + size]}
            begin += size

        content = json.dumps(fields, separators=(",", ":")).encode()
        content += b" " * (-len(content) % ALIGNMENT)
        return len(content).to_bytes(8, "little") + content

    def _sizes(self) -> dict[str, int]:
        return {name: int(dtype[-1]) * math.prod(shape) for name, (dtype, _, shape) in self.arrays.items()}


def read_header(path: Path) -> Header:
    """Read the head of a shard, and compare the size of the file with it.

    Raises:
        DamagedCacheError: It is not as it was written, is of another format, or the file is longer or shorter.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = file.read(8)
        content = file.read(min(int.from_bytes(length, "little"), LONGEST))

    header = _parse(path, content)
    if header.encoded() != length + content:
        raise damaged(path, "has a header that was changed")
    if header.size != size:
        raise damaged(path, f"has {size:,} bytes and should have {header.size:,}")
    return header


def _parse(path: Path, content: bytes) -> Header:
    try:
        fields = json.loads(content)
        names, values = fields["__metadata__"], fields["values"]
        written_as = str(names["format"])
        dtype = {code: name for name, code in DTYPES.items()}[values["dtype"]]
        entries, rows, width = (int(number) for number in (*fields["checksums"]["shape"], *values["shape"]))
        header = Header(str(names["teacher"]), str(names["kind"]), dtype, width, entries, rows, str(names["checksum"]))
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise damaged(path, "has no header that can be read") from error

    if written_as != FORMAT:
        raise damaged(path, f"is of the format '{written_as}', and this version of hf-multiteacher reads '{FORMAT}'")
    return header


def require_belongs(path: Path, header: Header, teacher: str, kind: str) -> None:
    """Refuse a shard of another teacher or kind.

    Args:
        path: The shard.
        header: What it holds.
        teacher: The fingerprint that is expected, or how it begins.
        kind: The kind that is expected.

    Raises:
        DamagedCacheError: It has another.
    """
    if not header.teacher.startswith(teacher):
        raise damaged(path, f"is of another teacher, with fingerprint {header.teacher[:12]} and not {teacher[:12]}")
    if header.kind != kind:
        raise damaged(path, f"holds '{header.kind}' and stands where '{kind}' should be")
