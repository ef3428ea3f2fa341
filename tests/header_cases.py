"""Headers of a safetensors file, as bytes."""

from __future__ import annotations

import json
import struct

VALID = {
    "__metadata__": {"format": "pt"},
    "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    "b": {"dtype": "BF16", "shape": [4], "data_offsets": [24, 32]},
    "ids": {"dtype": "I64", "shape": [1], "data_offsets": [32, 40]},
}


def pack(header: object, data: bytes = b"\0" * 40) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data
