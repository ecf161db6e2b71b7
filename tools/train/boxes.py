# SPDX-License-Identifier: Apache-2.0
"""Anchors, boxes, the loss of RetinaNet (arXiv 1708.02002) and what is found, with mmdetection's published defaults.

Boxes are corners (x1, y1, x2, y2) in pixels of the input.
"""
from __future__ import annotations

import math
from typing import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

FIRST_STRIDE = 8
SCALES = 4 * 2 ** (torch.arange(3) / 3)
"""Sides of a level's square anchors, in strides."""
LARGEST_GROWTH = abs(math.log(16 / 1000))


def anchors_of_level(height: int, width: int, stride: int, scales: Tensor) -> Tensor:
    """[height * width * anchors, 4]: for each position, row by row, for each of three ratios all scales."""
    scales = stride * scales
    roots = torch.tensor([0.5, 1.0, 2.0]).sqrt()
    half_widths = (scales / roots[:, None]).flatten() / 2
    half_heights = (scales * roots[:, None]).flatten() / 2
    base = torch.stack([-half_widths, -half_heights, half_widths, half_heights], dim=-1)
    y, x = torch.meshgrid(torch.arange(height) * stride, torch.arange(width) * stride, indexing="ij")
    centres = torch.stack([x, y, x, y], dim=-1).reshape(-1, 1, 4)
    return (base + centres).reshape(-1, 4)


def flatten(results: Sequence[tuple[Tensor, Tensor]], classes: int, first_stride: int = FIRST_STRIDE,
            scales: Tensor = SCALES) -> list[tuple[Tensor, Tensor, Tensor]]:
    """For each level the logits [B, anchors, classes], offsets [B, anchors, 4] and anchors [anchors, 4]."""
    levels = []
    for i, (scores, offsets) in enumerate(results):
        batch, _, height, width = scores.shape
        levels.append((scores.permute(0, 2, 3, 1).reshape(batch, -1, classes),
                       offsets.permute(0, 2, 3, 1).reshape(batch, -1, 4),
                       anchors_of_level(height, width, first_stride << i, scales)))
    return levels


def encode(anchors: Tensor, boxes: Tensor) -> Tensor:
    """The offsets that make boxes of anchors."""
    low, high = anchors.chunk(2, dim=-1)
    box_low, box_high = boxes.chunk(2, dim=-1)
    size = high - low
    box_size = (box_high - box_low).clamp(min=1e-3)
    return torch.cat([(box_low + box_high - low - high) / 2 / size, (box_size / size).log()], dim=-1)


def decode(anchors: Tensor, offsets: Tensor, width: int, height: int) -> Tensor:
    """The inverse, cut to the input's edges."""
    low, high = anchors.chunk(2, dim=-1)
    shift, growth = offsets.chunk(2, dim=-1)
    centre = (low + high) / 2 + (high - low) * shift
    half = (high - low) * growth.clamp(-LARGEST_GROWTH, LARGEST_GROWTH).exp() / 2
    boxes = torch.cat([centre - half, centre + half], dim=-1).clamp(min=0)
    return torch.minimum(boxes, torch.tensor([width, height, width, height], dtype=boxes.dtype))


def overlaps(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of all pairs, [..., N, 4] and [..., M, 4] to [..., N, M]."""
    a, b = first[..., :, None, :], second[..., None, :, :]
    sides = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0)
    common = sides[..., 0] * sides[..., 1]
    areas = [(x[..., 2] - x[..., 0]) * (x[..., 3] - x[..., 1]) for x in (a, b)]
    return common / (areas[0] + areas[1] - common).clamp(min=1e-6)


def assign(anchors: Tensor, boxes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Each anchor's box, whether it shall find that, and whether it shall find nothing: all [B, anchors].

    labels: [B, boxes], -1 where there is none. An anchor has the box it overlaps most, by half at least, or a box that
    no anchor overlaps more; with 0.4 to 0.5 of one it is left out.
    """
    iou = overlaps(anchors[None], boxes)
    valid = (labels >= 0)[:, None]
    iou = iou.masked_fill(~valid, -1.0)
    best, which = iou.max(dim=2)
    first = (iou == iou.max(dim=1, keepdim=True)[0]) & valid & (iou > 0)
    # Of several such boxes the last one, as mmdetection has it.
    last = (first * torch.arange(1, labels.shape[1] + 1)).max(dim=2)[0]
    which = torch.where(last > 0, last - 1, which)
    found = (best >= 0.5) | (last > 0)
    return which, found, (best < 0.4) & ~found


def loss(results: Sequence[tuple[Tensor, Tensor]], boxes: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Focal loss (alpha 0.25, gamma 2) and L1 of the offsets, both over the number of anchors that find something."""
    scores, offsets, anchors = (torch.cat(parts, dim=-2) for parts in zip(*flatten(results, classes)))
    with torch.no_grad():
        which, found, nothing = assign(anchors, boxes, labels)
        one = F.one_hot(labels.gather(1, which).clamp(min=0), classes) * found[..., None]
        targets = encode(anchors, boxes.gather(1, which[..., None].expand(-1, -1, 4)))
        count = found.sum().clamp(min=1)
    p = scores.sigmoid()
    wrong = torch.where(one > 0, 1 - p, p)
    weight = torch.where(one > 0, 0.25, 0.75) * wrong ** 2 * (found | nothing)[..., None]
    focal = F.binary_cross_entropy_with_logits(scores, one.float(), reduction="none") * weight
    return (focal.sum() + (offsets - targets)[found].abs().sum()) / count


def suppress(boxes: Tensor, scores: Tensor, most: float) -> Tensor:
    """By falling score: the boxes that overlap no better one by more than `most`."""
    order = scores.argsort(descending=True, stable=True)
    iou = overlaps(boxes[order], boxes[order])
    kept = torch.ones(len(order), dtype=torch.bool)
    for i in range(len(order)):
        if kept[i]:
            kept[i + 1:] &= iou[i, i + 1:] <= most
    return order[kept]


def detect(results: Sequence[tuple[Tensor, Tensor]], classes: int, width: int, height: int,
           threshold: float = 0.05) -> list[Tensor]:
    """What is found in each picture: [N, 6] of corners, score and class, by falling score."""
    levels = flatten(results, classes)
    pictures = []
    for picture in range(levels[0][0].shape[0]):
        boxes, scores = [], []
        for logits, offsets, anchors in levels:
            score = logits[picture].sigmoid()
            best = score.max(dim=1)[0].topk(min(1000, len(score)))[1]
            boxes.append(decode(anchors[best], offsets[picture][best], width, height))
            scores.append(score[best])
        boxes, scores = torch.cat(boxes), torch.cat(scores)
        found = []
        for label in range(classes):
            likely = scores[:, label] > threshold
            some, score = boxes[likely], scores[likely, label]
            kept = suppress(some, score, 0.5)
            column = torch.full((len(kept), 1), float(label))
            found.append(torch.cat([some[kept], score[kept, None], column], dim=1))
        found = torch.cat(found)
        pictures.append(found[found[:, 4].argsort(descending=True, stable=True)[:100]])
    return pictures


def average_precision(found: Sequence[Tensor], boxes: Sequence[Tensor], labels: Sequence[Tensor], classes: int,
                      least: float = 0.5) -> list[float]:
    """Each class's AP at that overlap, from 101 points of recall as COCO has it; NaN without any box.

    found: [N, 6] for each picture; boxes: [M, 4], and labels: [M], of what is there.
    """
    result = []
    for label in range(classes):
        scores, hits, total = [], [], 0
        for some, truth, names in zip(found, boxes, labels):
            some, truth = some[some[:, 5] == label], truth[names == label]
            total += len(truth)
            iou = overlaps(some[:, :4], truth)
            for i in range(len(some)):
                best = int(iou[i].argmax()) if len(truth) else -1
                hit = best >= 0 and float(iou[i, best]) >= least
                if hit:
                    iou[:, best] = -1  # is found only once
                scores.append(float(some[i, 4]))
                hits.append(hit)
        if total == 0:
            result.append(math.nan)
            continue
        order = torch.tensor(scores).argsort(descending=True, stable=True)
        right = torch.tensor(hits, dtype=torch.float64)[order].cumsum(0)
        precision = right / torch.arange(1, len(right) + 1)
        points = []
        for recall in torch.linspace(0, 1, 101, dtype=torch.float64):
            there = precision[right / total >= recall - 1e-9]
            points.append(float(there.max()) if len(there) else 0.0)
        result.append(sum(points) / len(points))
    return result
