# SPDX-License-Identifier: Apache-2.0
"""Pictures of class folders in memory, and what is done to them in training and for validation."""
from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Sequence

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from torch.nn import functional as F

from data import MEAN, STD
from dense_data import open_picture, to_bytes
from folders import Picture, keep_readable

MARGIN = 1.25
"""Training pictures are held with a shorter side of so many inputs at most."""
LEAST_AREA = 0.3
"""A training picture shows at least so much of the picture that is held."""

FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}


def as_input(picture: Image.Image, size: int, crop: float, how: int) -> Image.Image:
    """What lvt-plan makes of a picture with --crop: as timm, the shorter edge to size / crop and the centre of it; all of
    it at 1."""
    if crop == 1:
        return picture.resize((size, size), how)
    width, height = picture.size
    edge = math.floor(size / crop)
    scaled = (edge, int(edge * height / width)) if width <= height else (int(edge * width / height), edge)
    left, top = (int(round((side - size) / 2.0)) for side in scaled)
    return picture.resize(scaled, how).crop((left, top, left + size, top + size))


def shrunk(picture: Image.Image, size: int) -> Image.Image:
    factor = MARGIN * size / min(picture.size)
    if factor >= 1:
        return picture
    width, height = (max(1, round(side * factor)) for side in picture.size)
    return picture.resize((width, height), Image.BICUBIC)


def why_not(path: Path) -> str | None:
    """Why a file is no picture, by its first bytes; None if it seems to be one."""
    try:
        with Image.open(path):
            return None
    except UnidentifiedImageError:
        return "no picture that PIL reads"
    except Exception as error:  # PIL's decoders raise errors of any kind for damaged files
        return str(error) or type(error).__name__


def read(pictures: Sequence[Picture], change: Callable[[Image.Image], Image.Image], threads: int,
         report: Callable[[str], None]) -> tuple[list[Picture], list[Image.Image]]:
    """The pictures that can be read, and what `change` makes of them; the others are named."""
    found: dict[Path, Image.Image] = {}

    def attempt(picture: Picture) -> tuple[Path, str | None]:
        try:
            found[picture.path] = change(open_picture(picture.path))
            return picture.path, None
        except Exception as error:  # as above
            return picture.path, str(error).removeprefix(f"{picture.path}: ") or type(error).__name__
    with ThreadPoolExecutor(threads) as pool:
        reasons = dict(pool.map(attempt, pictures))
    kept = keep_readable(pictures, lambda path: reasons[path], report)
    return kept, [found[picture.path] for picture in kept]


def normalise(pictures: Tensor) -> Tensor:
    mean, std = (torch.tensor(values, device=pictures.device).view(1, 3, 1, 1) for values in (MEAN, STD))
    x = (pictures.float() / 255 - mean) / std
    return x.contiguous(memory_format=torch.channels_last)


def vary(picture: Image.Image, size: int, random: np.random.Generator) -> Image.Image:
    """A random part of a picture at the input's size, flipped half of the time."""
    width, height = picture.size
    area = width * height * random.uniform(LEAST_AREA, 1)
    shape = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
    w, h = min(width, math.sqrt(area * shape)), min(height, math.sqrt(area / shape))
    x, y = random.uniform(0, width - w), random.uniform(0, height - h)
    part = picture.resize((size, size), Image.BILINEAR, box=(x, y, x + w, y + h))
    return part.transpose(Image.FLIP_LEFT_RIGHT) if random.random() < 0.5 else part


def recolour(pictures: Tensor, strength: float, random: torch.Generator) -> Tensor:
    """Changes brightness, contrast and saturation of each picture by factors of up to 1 ± strength."""
    factors = 1 + strength * (2 * torch.rand(3, len(pictures), 1, 1, 1, generator=random) - 1)
    x = pictures.float() * factors[0]
    x = (x - x.mean(dim=(1, 2, 3), keepdim=True)) * factors[1] + x.mean(dim=(1, 2, 3), keepdim=True)
    grey = x.mean(dim=1, keepdim=True)
    return ((x - grey) * factors[2] + grey).clamp(0, 255)


def mix(x: Tensor, labels: Tensor, classes: int, share: float, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mixes pictures of a batch, as often as `share` says: by mixup, or by cutmix as often. Labels become shares."""
    targets = F.one_hot(labels, classes).float()
    if torch.rand((), generator=random) >= share:
        return x, targets
    other = torch.randperm(len(x), generator=random)
    part = float(torch.rand((), generator=random))
    if torch.rand((), generator=random) < 0.5:
        # Beta(0.2, 0.2) is mostly near 0 and 1; so is this, without its sampler.
        part = 0.5 - 0.5 * math.cos(math.pi * part)
        x = part * x + (1 - part) * x[other]
    else:
        height, width = x.shape[-2:]
        h, w = round(height * math.sqrt(1 - part)), round(width * math.sqrt(1 - part))
        top = int(torch.randint(0, height - h + 1, (), generator=random))
        left = int(torch.randint(0, width - w + 1, (), generator=random))
        x = x.clone()
        x[..., top:top + h, left:left + w] = x[other][..., top:top + h, left:left + w]
        part = 1 - h * w / (height * width)
    return x, part * targets + (1 - part) * targets[other]


class Training:
    """Training pictures, of which batches are made."""

    def __init__(self, pictures: list[Image.Image], labels: Sequence[int], size: int, strength: float,
                 seed: int, threads: int) -> None:
        self.pictures = pictures
        self.labels = torch.tensor(labels)
        self.size = size
        self.strength = strength
        self.seed = seed
        self.pool = ThreadPoolExecutor(threads)

    def __len__(self) -> int:
        return len(self.pictures)

    def batch(self, index: Tensor, epoch: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        def one(i: int) -> Image.Image:
            # A generator for each picture: the threads' order changes nothing.
            return vary(self.pictures[i], self.size, np.random.default_rng((self.seed, epoch, i)))
        parts = to_bytes(list(self.pool.map(one, index.tolist())))
        return recolour(parts, self.strength, random), self.labels[index]
