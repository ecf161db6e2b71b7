# SPDX-License-Identifier: Apache-2.0
"""Reads and writes state dictionaries as safetensors, without the safetensors package, or as .pth."""
from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Sequence

import torch
from torch import Tensor

_NAMES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64"}
_TYPES = {name: dtype for dtype, name in _NAMES.items()}


def write_safetensors(path: Path, state: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    header: dict[str, object] = {}
    if metadata:
        header["__metadata__"] = metadata
    blobs: list[bytes] = []
    offset = 0
    for name, tensor in state.items():
        # Bytes, whatever the type: numpy has no bfloat16. A scalar needs a dimension to be seen as bytes.
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        blob = flat.view(torch.uint8).numpy().tobytes()
        header[name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    # Written beside and renamed, so that stopping a training run never leaves half a file.
    beside = path.with_name(path.name + ".part")
    with open(beside, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for blob in blobs:
            file.write(blob)
    os.replace(beside, path)


def read_safetensors(path: Path) -> dict[str, Tensor]:
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + length])
    state: dict[str, Tensor] = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        flat = torch.frombuffer(bytearray(data[begin:end]), dtype=_TYPES[entry["dtype"]])
        state[name] = flat.reshape(entry["shape"])
    return state


def check_name(path: Path) -> None:
    if path.suffix not in (".safetensors", ".pth", ".pt"):
        raise ValueError(f"{path}: the output must end in .safetensors, .pth or .pt")


def write_weights(path: Path, state: dict[str, Tensor], metadata: dict[str, str] | None = None,
                  classes: Sequence[str] | None = None) -> None:
    """By extension: .safetensors, or .pth as `{"model": state}` like the released checkpoints.

    With names of classes .pth is `{"meta": {"CLASSES": names}, "state_dict": state}`, as mmdetection writes it.
    """
    check_name(path)
    if path.suffix == ".safetensors":
        write_safetensors(path, state, metadata)
    elif classes is None:
        torch.save({"model": state}, path)
    else:
        torch.save({"meta": {**(metadata or {}), "CLASSES": tuple(classes)}, "state_dict": state}, path)


def read_weights(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    # weights_only: a checkpoint is data and must not run code, so one that pickles foreign classes is refused.
    loaded = torch.load(path, map_location="cpu", weights_only=True)
    return loaded.get("model", loaded.get("state_dict", loaded))
