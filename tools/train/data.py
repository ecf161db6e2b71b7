# SPDX-License-Identifier: Apache-2.0
"""Fashion-MNIST from Debian's `dataset-fashion-mnist`, and the preprocessing every lvt tool agrees on."""
from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
from PIL import Image

DEFAULT_FOLDER = Path("/usr/share/datasets/fashion-mnist")
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
LABELS = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)


def read_idx(path: Path) -> np.ndarray:
    """Reads an idx file of bytes, the only kind this data set has."""
    with gzip.open(path, "rb") as file:
        data = file.read()
    if data[:3] != b"\0\0\x08":
        raise ValueError(f"{path}: not an idx file of bytes")
    dims = data[3]
    shape = tuple(np.frombuffer(data, ">u4", dims, 4).astype(int))
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dims).reshape(shape)


def load_split(folder: Path, train: bool) -> tuple[np.ndarray, np.ndarray]:
    """Grey pictures [N,28,28] and labels [N], both uint8."""
    name = "train" if train else "t10k"
    return read_idx(folder / f"{name}-images-idx3-ubyte.gz"), read_idx(folder / f"{name}-labels-idx1-ubyte.gz")


def resize_all(pictures: np.ndarray, size: int) -> np.ndarray:
    """PIL's bilinear resize of each grey picture straight to size x size, as uint8."""
    out = np.empty((len(pictures), size, size), np.uint8)
    for i, picture in enumerate(pictures):
        out[i] = np.asarray(Image.fromarray(picture).resize((size, size), Image.BILINEAR))
    return out
