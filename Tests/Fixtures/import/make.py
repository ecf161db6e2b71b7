#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the files that the planner's import tests read.

Run it with a Python that has torch and numpy; it writes beside itself. The values are small, exact in
every type and follow from the index, so that the tests can state them again:
value(i) = i * 0.25 - 1 for floats, i for integers. legacy.pth alone changes from run to run: torch puts
addresses in it.
"""

import argparse
import collections
import gzip
import io
import json
import pathlib
import pickle
import struct
import sys
import types
import zipfile

import numpy
import torch

HERE = pathlib.Path(__file__).parent


def ramp(*shape, dtype=torch.float32):
    count = int(numpy.prod(shape))
    return (torch.arange(count, dtype=torch.float32) * 0.25 - 1).reshape(shape).to(dtype)


def unknown_class():
    """A dictionary subclass in a module that no reader has, like the configs in released files."""
    module = types.ModuleType("nowhere.config")
    code = "class Node(dict):\n    pass\n"
    exec(code, module.__dict__)
    module.Node.__module__ = "nowhere.config"
    sys.modules["nowhere"] = types.ModuleType("nowhere")
    sys.modules["nowhere.config"] = module
    return module.Node


def unpacked(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(entries, method=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in entries.items():
            # ZipInfo has a fixed date, so that the file is the same on every run.
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def saved(value, **options):
    out = io.BytesIO()
    torch.save(value, out, **options)
    return out.getvalue()


def torch_files():
    torch.manual_seed(0)
    layer = collections.OrderedDict(weight=ramp(2, 3), bias=ramp(3))
    layer._metadata = {"": {"version": 1}}
    write("bare.pth", saved(layer))

    node = unknown_class()
    config = node(NAME="tiny", SIZES=[1, 2], INNER=node(DEEP=(1, 2.5, None, True)))
    config.__dict__["frozen"] = False
    optimizer = {
        "state": {0: {"step": 7, "exp_avg": ramp(2, 3)}},
        "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.999), "params": [0, 1]}],
    }
    everything = {
        "config": config,
        "optimizer": optimizer,
        "args": argparse.Namespace(lr=0.5, names={1, 2}, big=1 << 70),
        "epoch": 300,
        "model": layer,
    }
    write("nested.pth", saved(everything))
    write("protocol4.pth", saved(everything, pickle_protocol=4))

    base = ramp(4, 6)
    views = {
        "module.base": base,
        "module.transposed": base.t(),
        "module.slice": base[1:3, ::2],
        "module.expanded": base[:1, :2].expand(3, 2),
        "module.scalar": torch.tensor(2.5),
        "module.empty": torch.zeros(0, 3),
        "module.half": ramp(5, dtype=torch.float16),
        "module.bfloat16": ramp(5, dtype=torch.bfloat16),
        "module.double": ramp(5, dtype=torch.float64),
        "module.int64": torch.arange(5),
        "module.int32": torch.arange(5, dtype=torch.int32),
        "module.int16": torch.arange(5, dtype=torch.int16),
        "module.int8": torch.arange(-2, 3, dtype=torch.int8),
        "module.uint8": torch.arange(5, dtype=torch.uint8),
        "module.bool": torch.tensor([True, False, True]),
        "module.parameter": torch.nn.Parameter(ramp(2)),
        "module.extra": {"not": "a tensor"},
    }
    write("types.pth", saved({"state_dict": views}))
    write("nonfinite.pth", saved({"w": torch.tensor([1.0, float("nan"), float("inf")])}))
    write("complex.pth", saved({"w": torch.tensor([1 + 2j])}))
    write("sparse.pth", saved({"w": ramp(2, 2).to_sparse(), "b": ramp(2)}))
    write("whole-network.pth", saved(torch.nn.Linear(1, 1)))
    write("no-tensors.pth", saved({"epoch": 3, "lr": 0.5}))
    write("legacy.pth", saved(layer, _use_new_zipfile_serialization=False))

    entries = unpacked(saved(layer))
    write("big-endian.pth", packed({**entries, "archive/byteorder": b"big"}))
    write("deflated.pth", packed(entries, zipfile.ZIP_DEFLATED))
    write("untyped.pth", untyped())


class Global:
    """Pickles as a bare global, whether or not this Python has it."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Call:
    """Pickles as the call of a global."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments


class Storage:
    """Pickles as torch's persistent reference to a storage."""

    def __init__(self, *parts):
        self.parts = parts


class Writer(pickle._Pickler):
    def persistent_id(self, value):
        return ("storage", *value.parts) if isinstance(value, Storage) else None

    def save(self, value, save_persistent_id=True):
        if isinstance(value, Global):
            self.write(b"c" + f"{value.module}\n{value.name}\n".encode())
        elif isinstance(value, Call):
            self.save(value.function)
            self.save(value.arguments)
            self.write(b"R")
        else:
            super().save(value, save_persistent_id)


def untyped():
    """What newer versions of torch write for a tensor whose type has no storage class."""
    storage = Storage(Global("torch.storage", "UntypedStorage"), "0", "cpu", 12)
    rebuild = Global("torch._utils", "_rebuild_tensor_v3")
    hooks = Call(Global("collections", "OrderedDict"))
    size = Call(Global("torch", "Size"), (3,))
    tensor = Call(rebuild, storage, 0, size, (1,), False, hooks, Global("torch", "float32"))
    # A tensor that carries attributes of its own, and a parameter inside it.
    inner = Call(Global("torch._tensor", "_rebuild_from_type_v2"), rebuild,
                 Global("torch", "Tensor"), tensor.arguments, {"tag": 1})
    value = {"plain": tensor, "tagged": inner}
    out = io.BytesIO()
    Writer(out, protocol=2).dump(value)
    return packed({
        "archive/data.pkl": out.getvalue(),
        "archive/byteorder": b"little",
        "archive/data/0": struct.pack("<3f", -1, -0.75, -0.5),
    })


def safetensors_file():
    tensors = {
        "module.weight": ("F32", [2, 3], ramp(2, 3).numpy().tobytes()),
        "half": ("F16", [3], ramp(3, dtype=torch.float16).numpy().tobytes()),
        "bfloat16": ("BF16", [2], struct.pack("<2H", 0xBF80, 0xBF40)),
        "index": ("I64", [2], struct.pack("<2q", 3, -4)),
        "mask": ("BOOL", [3], bytes([1, 0, 1])),
        "scalar": ("F64", [], struct.pack("<d", 2.5)),
        "empty": ("F32", [0, 4], b""),
    }
    header, data = {"__metadata__": {"format": "pt", "a\"\u00e9\n": "\U0001F600"}}, b""
    for name, (dtype, shape, content) in tensors.items():
        offsets = [len(data), len(data) + len(content)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
        data += content
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    write("tensors.safetensors", struct.pack("<Q", len(text)) + text + data)


def wrapped_files():
    """Dictionaries as training programs save them, around one tensor with a known network's name."""

    def network(value):
        return {"patch_embed.proj.weight": torch.full((1,), float(value))}

    optimizer = {"state": {0: {"exp_avg": torch.ones(1)}}, "param_groups": []}
    write("ema-beside.pth", saved({"state_dict": network(1), "state_dict_ema": network(2), "optimizer": optimizer}))
    write("unknown-key.pth", saved({"epoch": 3, "generator": network(1), "optimizer": optimizer}))
    write("two-unknown.pth", saved({"generator": network(1), "critic": network(2)}))
    write("nested-key.pth", saved({"checkpoint": {"model": network(1)}, "epoch": torch.ones(1)}))
    write("whole-network-inside.pth", saved({"model": torch.nn.Linear(1, 1), "epoch": 1}))
    out = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), out)
    write("torchscript.pt", out.getvalue())


def numpy_files():
    values = ramp(2, 3).numpy()
    for name, array, version in [
        ("v1.npy", values, (1, 0)),
        ("v2.npy", values, (2, 0)),
        ("v3.npy", values, (3, 0)),
        ("double.npy", values.astype("<f8"), None),
        ("scalar.npy", numpy.float32(2.5), None),
        ("vector.npy", values[0], None),
        ("fortran.npy", numpy.asfortranarray(values), None),
        ("big-endian.npy", values.astype(">f4"), None),
        ("integers.npy", numpy.arange(3), None),
    ]:
        out = io.BytesIO()
        numpy.lib.format.write_array(out, numpy.asanyarray(array), version=version)
        write(name, out.getvalue())


def idx_files():
    images = struct.pack(">4I", 0x803, 3, 2, 4) + bytes(range(24))
    labels = struct.pack(">2I", 0x801, 3) + bytes([7, 0, 9])
    write("images.idx", images)
    write("images.idx.gz", gzip.compress(images, mtime=0))
    write("labels.idx", labels)
    write("labels.idx.gz", gzip.compress(labels, mtime=0))


def write(name, data):
    (HERE / name).write_bytes(data)


if __name__ == "__main__":
    torch_files()
    wrapped_files()
    safetensors_file()
    numpy_files()
    idx_files()
