# SPDX-License-Identifier: Apache-2.0
"""Pictures with boxes or label maps, made to fit the input, and their random changes in training.

Pictures are held decoded in memory, input-sized: 3 bytes a pixel.
"""
from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn import functional as F

from data import MEAN, STD

IGNORED = 255
LEAST_SEEN = 0.35
"""A box of which less is left when a picture is cut off is no longer to be found."""


def fitted(width: int, height: int, size: tuple[int, int], letterbox: bool) -> tuple[int, int]:
    """What a picture of that width and height becomes in an input of that size: all of it, or its shape is kept."""
    if not letterbox:
        return size
    factor = min(size[0] / width, size[1] / height)
    return max(1, int(width * factor + 0.5)), max(1, int(height * factor + 0.5))


def fit(picture: Image.Image, size: tuple[int, int], letterbox: bool, how: int = Image.BILINEAR,
        padding: int | tuple[int, ...] = tuple(round(255 * mean) for mean in MEAN)) -> Image.Image:
    """Resizes the whole picture to the input's (width, height).

    With letterbox both sides are scaled by one factor so that the picture just fits; the rest, on the right or below,
    gets the mean colour.
    """
    picture = picture.resize(fitted(*picture.size, size, letterbox), how)
    if picture.size == size:
        return picture
    whole = Image.new(picture.mode, size, padding)
    whole.paste(picture, (0, 0))
    return whole


def open_picture(path: Path) -> Image.Image:
    """RGB, upright as its Exif data say."""
    try:
        with Image.open(path) as picture:
            return ImageOps.exif_transpose(picture).convert("RGB")
    except OSError as error:
        raise ValueError(f"{path}: {error}") from None


def to_bytes(pictures: list[Image.Image]) -> Tensor:
    return torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures])).permute(0, 3, 1, 2).contiguous()


def normalise(pictures: Tensor) -> Tensor:
    """[B, 3, H, W] bytes to the network's input."""
    return (pictures.float() / 255 - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


@dataclass
class Samples:
    """What a network is trained on or tested with."""
    names: list[str]
    """The classes' names."""
    pictures: Tensor
    """[N, 3, H, W], bytes."""
    labels: Tensor
    """Segmentation: a class for each pixel, [N, H, W]. Boxes: one for each, [N, boxes], -1 where none is."""
    boxes: Tensor = field(default_factory=lambda: torch.empty(0))
    """Corners in pixels of the input, [N, boxes, 4]."""
    masks: Tensor = field(default_factory=lambda: torch.empty(0))
    """Of instances: the boxes' masks as bits of bytes, [N, boxes, H, ceil(W / 8)]."""
    entries: list[dict] = field(default_factory=list)
    """The pictures as COCO's JSON has them."""
    numbers: list[int] = field(default_factory=list)
    """The classes' numbers in COCO's JSON."""

    def __len__(self) -> int:
        return len(self.pictures)


def read_boxes(path: Path, size: tuple[int, int], limit: int | None = None,
               read_mask: Callable[[list | dict, tuple[int, int], tuple[int, int]], Tensor] | None = None) -> Samples:
    """A JSON file as COCO's; the pictures' names are relative to its folder. Crowds are left out.

    `read_mask` makes of a segmentation, the picture's and the input's size the bits that the samples then have.
    Class k is the k-th of the categories in the order of their numbers, as mmdetection has them.
    """
    try:
        coco = json.loads(path.read_text())
        names = {entry["id"]: str(entry["name"]) for entry in sorted(coco["categories"], key=lambda e: e["id"])}
        places = {number: k for k, number in enumerate(names)}
        found: dict[int, list[dict]] = {}
        for entry in coco["annotations"]:
            if not entry.get("iscrowd"):
                found.setdefault(entry["image_id"], []).append(entry)
        pictures, boxes, labels, masks = [], [], [], []
        for entry in coco["images"][:limit]:
            picture = open_picture(path.parent / entry["file_name"])
            told = entry.get("width", picture.width), entry.get("height", picture.height)
            if picture.size != told:
                raise ValueError(f"{path}: {entry['file_name']} has {picture.width}x{picture.height} pixels, "
                                 f"not {told[0]}x{told[1]}")
            width, height = fitted(*picture.size, size, letterbox=True)
            scale = np.array([width / picture.width, height / picture.height] * 2)
            some = [e for e in found.get(entry["id"], []) if min(e["bbox"][2:]) > 0]
            corners = [np.array(e["bbox"], float) for e in some]
            boxes.append([np.concatenate([box[:2], box[:2] + box[2:]]) * scale for box in corners])
            labels.append([places[e["category_id"]] for e in some])
            if read_mask:
                masks.append([read_mask(e["segmentation"], picture.size, size) for e in some])
            pictures.append(fit(picture, size, letterbox=True))
    except (KeyError, TypeError, IndexError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: not as COCO's: {type(error).__name__} {error}") from None
    if not pictures:
        raise ValueError(f"{path}: no pictures")
    if not any(labels):
        raise ValueError(f"{path}: no boxes")
    most = max(len(some) for some in labels)
    samples = Samples(list(names.values()), to_bytes(pictures), torch.full((len(pictures), most), -1),
                      torch.zeros(len(pictures), most, 4), entries=coco["images"][:limit], numbers=list(names))
    if read_mask:
        samples.masks = torch.zeros(len(pictures), most, size[1], (size[0] + 7) // 8, dtype=torch.uint8)
    for i, (some, which) in enumerate(zip(boxes, labels)):
        if which:
            samples.boxes[i, :len(which)] = torch.tensor(np.array(some), dtype=torch.float32)
            samples.labels[i, :len(which)] = torch.tensor(which)
            if read_mask:
                samples.masks[i, :len(which)] = torch.stack(masks[i])
    return samples


def read_names(path: Path) -> list[str]:
    names = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    while names and not names[-1]:
        names.pop()
    if not names or len(names) > IGNORED:
        raise ValueError(f"{path}: expected 1 to {IGNORED} names, one a line")
    return names


def read_label_maps(folder: Path, size: tuple[int, int], classes: Path | None = None,
                    limit: int | None = None) -> Samples:
    """FOLDER/pictures/*.jpg with FOLDER/labels/*.png, each value a line of the file of names, from 0 on, or 255."""
    names = read_names(classes or folder / "labels.txt")
    pictures, labels = [], []
    for path in sorted((folder / "pictures").glob("*.jpg"))[:limit]:
        picture = open_picture(path)
        mask = folder / "labels" / f"{path.stem}.png"
        try:
            with Image.open(mask) as label:
                if label.mode not in ("L", "P"):
                    raise ValueError(f"{mask}: expected one byte a pixel, not {label.mode}")
                # A palette would be resized by its colours; the indices are what counts.
                label = Image.fromarray(np.asarray(label))
        except OSError as error:
            raise ValueError(f"{mask}: {error}") from None
        if label.size != picture.size:
            raise ValueError(f"{mask}: {label.width}x{label.height} pixels, {path.name} has "
                             f"{picture.width}x{picture.height}")
        pictures.append(fit(picture, size, letterbox=False))
        labels.append(np.asarray(fit(label, size, letterbox=False, how=Image.NEAREST, padding=IGNORED)))
        worst = labels[-1][labels[-1] != IGNORED].max(initial=0)
        if worst >= len(names):
            raise ValueError(f"{mask}: class {worst}, but there are {len(names)} names")
    if not pictures:
        raise ValueError(f"{folder / 'pictures'}: no JPEGs")
    return Samples(names, to_bytes(pictures), torch.from_numpy(np.stack(labels)))


class Changes:
    """Random flips, scales and places of the pictures of a batch, and the same for what is to be found in them."""

    def __init__(self, count: int, zoom: float, random: torch.Generator) -> None:
        def uniform(*shape: int) -> Tensor:
            return 2 * torch.rand(*shape, generator=random) - 1

        self.random = random
        # Between 1 / zoom and zoom, and up to 10 % more in one direction than in the other.
        scale = torch.exp(uniform(count, 1) * np.log(zoom) + uniform(count, 1) * 0.05 * torch.tensor([1.0, -1.0]))
        # A larger picture is cut off somewhere, a smaller one lies somewhere.
        self.shift = uniform(count, 2) * (1 - 1 / scale).abs()
        mirrored = uniform(count) < 0
        self.scale = scale * torch.stack([torch.where(mirrored, -1.0, 1.0), torch.ones(count)], dim=1)
        self.matrix = torch.cat([torch.diag_embed(1 / self.scale), self.shift[..., None]], dim=2)
        """From places in the changed picture to places in the given one, both from -1 to 1."""

    def grid(self, x: Tensor) -> Tensor:
        return F.affine_grid(self.matrix, [len(x), 1, *x.shape[-2:]], align_corners=False)

    def pictures(self, x: Tensor, jitter: float) -> Tensor:
        """Normalised; brightness and contrast change by up to `jitter`, and the colours beside the picture are mean."""
        change = 1 + jitter * (2 * torch.rand(2, len(x), 1, 1, 1, generator=self.random) - 1)
        x = normalise(x) * change[0] + (change[1] - 1) * 2
        return F.grid_sample(x, self.grid(x), mode="bilinear", padding_mode="zeros", align_corners=False)

    def label_maps(self, labels: Tensor) -> Tensor:
        """[B, H, W]; ignored beside the picture."""
        # Shifted by one, zeros are what lies beside.
        y = (labels[:, None].int() + 1).float()
        y = F.grid_sample(y, self.grid(y), mode="nearest", padding_mode="zeros", align_corners=False)[:, 0].long()
        return torch.where(y == 0, IGNORED, y - 1)

    def masks(self, masks: Tensor) -> Tensor:
        """[B, masks, H, W] of 0 and 1, as floats; 0 beside the picture."""
        return F.grid_sample(masks.float(), self.grid(masks), mode="nearest", padding_mode="zeros", align_corners=False)

    def boxes(self, boxes: Tensor, labels: Tensor, width: int, height: int) -> tuple[Tensor, Tensor]:
        """Corners and labels; -1 for boxes of which too little is left."""
        edges = torch.tensor([width, height], dtype=torch.float32)
        corners = boxes.reshape(*boxes.shape[:2], 2, 2) / edges * 2 - 1
        corners = (corners - self.shift[:, None, None]) * self.scale[:, None, None]
        corners = ((corners + 1) / 2 * edges).sort(dim=2)[0]
        inside = torch.minimum(corners.clamp(min=0), edges)

        def area(corners: Tensor) -> Tensor:
            return (corners[:, :, 1] - corners[:, :, 0]).prod(dim=-1)

        seen = area(inside) > LEAST_SEEN * area(corners)
        return inside.flatten(2), torch.where(seen, labels, -1)
