# SPDX-License-Identifier: Apache-2.0
"""Masks of COCO's JSON files, made to fit the input, and COCO's figures of what a network finds. Needs pycocotools."""
from __future__ import annotations

import contextlib
import io
import math
from pathlib import Path
from typing import Iterable, Sequence

import numpy as np
import torch
from pycocotools import mask as run_lengths
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor
from torch.nn import functional as F

from dense_data import Samples, fitted
from two_stage import detect, paste
from two_stage_loss import loss  # noqa: F401: one module of what instances need


def bitmap(segmentation: list | dict, width: int, height: int) -> np.ndarray:
    """A mask [height, width] of polygons or of run lengths, packed or not."""
    if isinstance(segmentation, list) or isinstance(segmentation["counts"], list):
        segmentation = run_lengths.frPyObjects(segmentation, height, width)
    if isinstance(segmentation, list):
        segmentation = run_lengths.merge(segmentation)
    return run_lengths.decode(segmentation)


def pack(masks: Tensor) -> Tensor:
    """[..., H, W] of 0 and 1 to [..., H, ceil(W / 8)] bytes: a thousand pictures have many masks."""
    return torch.from_numpy(np.packbits(masks.numpy().astype(bool), axis=-1))


def unpack(packed: Tensor, width: int) -> Tensor:
    return torch.from_numpy(np.unpackbits(packed.numpy(), axis=-1, count=width))


def read_mask(segmentation: list | dict, picture: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """A mask of a picture of that (width, height) in an input of that size, packed."""
    mask = torch.from_numpy(bitmap(segmentation, *picture)).float()[None, None]
    width, height = fitted(*picture, size, letterbox=True)
    mask = F.interpolate(mask, (height, width), mode="bilinear", align_corners=False, antialias=True)[0, 0]
    return pack(F.pad(mask, (0, size[0] - width, 0, size[1] - height)) >= 0.5)


def found_in(entry: dict, found: Tensor, masks: Tensor, numbers: Sequence[int], size: tuple[int, int]) -> list[dict]:
    """What is found in one picture, in its own pixels, as COCO's results."""
    width, height = entry["width"], entry["height"]
    inner = fitted(width, height, size, letterbox=True)
    corners = found[:, :4] * torch.tensor([width / inner[0], height / inner[1]] * 2)
    edges = torch.tensor([width, height] * 2, dtype=torch.float32)
    corners = torch.minimum(corners, edges)
    results = []
    for (x1, y1, x2, y2), (score, label), mask in zip(
            corners.tolist(), found[:, 4:].tolist(), paste(masks, corners, width, height)):
        results.append({"image_id": entry["id"], "category_id": numbers[int(label)], "score": score,
                        "bbox": [x1, y1, x2 - x1, y2 - y1],
                        "segmentation": run_lengths.encode(np.asfortranarray(mask.numpy().astype(np.uint8)))})
    return results


def figures(truth: Path, results: list[dict], pictures: list[int]) -> dict[str, list[float]]:
    """AP at an overlap of 0.5 of each class, of masks and of boxes; NaN for what does not occur."""
    scores: dict[str, list[float]] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(truth))
        numbers = sorted(coco.getCatIds())
        for name, kind in (("mask AP50", "segm"), ("box AP50", "bbox")):
            if not results:
                scores[name] = [0.0] * len(numbers)
                continue
            # A box's area would otherwise be taken for the mask's, and the other way around.
            plain = [{k: v for k, v in r.items() if k != ("bbox" if kind == "segm" else "segmentation")} for r in results]
            evaluation = COCOeval(coco, coco.loadRes(plain), kind)
            evaluation.params.imgIds, evaluation.params.catIds = pictures, numbers
            evaluation.evaluate()
            evaluation.accumulate()
            precision = evaluation.eval["precision"][0, :, :, 0, 2]
            scores[name] = [float(p.mean()) if (p >= 0).all() else math.nan for p in precision.T]
    return scores


def test(model: torch.nn.Module, samples: Samples, truth: Path, size: tuple[int, int],
         batches: Iterable[Tensor]) -> dict[str, list[float]]:
    """As `figures`; `truth` is what the samples were read from, `batches` are their pictures, normalised."""
    results, entries = [], iter(samples.entries)
    for x in batches:
        for found, masks in detect(model, x):
            results += found_in(next(entries), found, masks, samples.numbers, size)
    return figures(truth, results, [entry["id"] for entry in samples.entries])
