# SPDX-License-Identifier: Apache-2.0
"""The loss of Mask R-CNN and of Cascade Mask R-CNN, by torchvision's matcher and sampler.

Overlaps, shares and weights are mmdetection's; boxes have L1, and fewer anchors and proposals are looked at, for small
networks and pictures.
"""
from __future__ import annotations

from typing import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler, Matcher
from torchvision.ops import box_iou, roi_align

from boxes import encode
from two_stage import BOX_SIDE, MASK_SIDE, InstanceDetector, cut, propose, refine

ANCHOR_SAMPLES, BOX_SAMPLES = 128, 64
"""Of each picture; half of the anchors and a quarter of the boxes have an object, if there are as many."""
PROPOSALS = 300
STAGE_OVERLAPS, STAGE_WEIGHTS = (0.5, 0.6, 0.7), (1.0, 0.5, 0.25)


def match(matcher: Matcher, some: Tensor, truth: Tensor) -> Tensor:
    """For each of `some` boxes the number of the true one, or less than 0: -1 for none, -2 for neither."""
    if len(truth) == 0:
        return torch.full((len(some),), -1)
    return matcher(box_iou(truth, some))


def sample(sampler: BalancedPositiveNegativeSampler, which: Tensor) -> Tensor:
    """The numbers of those that count. `which` as `match` has it."""
    kind = torch.where(which >= 0, 1, torch.where(which == Matcher.BELOW_LOW_THRESHOLD, 0, -1))
    with_object, without = sampler([kind])
    return (with_object[0] | without[0]).nonzero()[:, 0]


def proposal_loss(levels: Sequence[tuple[Tensor, Tensor, Tensor]], truth: Sequence[Tensor]) -> Tensor:
    logits, offsets, anchors = (torch.cat(parts, dim=-2) for parts in zip(*levels))
    matcher = Matcher(0.7, 0.3, allow_low_quality_matches=True)
    sampler = BalancedPositiveNegativeSampler(ANCHOR_SAMPLES, 0.5)
    total, count = logits.new_zeros(()), 0
    for i, boxes in enumerate(truth):
        which = match(matcher, anchors, boxes)
        index = sample(sampler, which)
        found = index[which[index] >= 0]
        total = total + F.binary_cross_entropy_with_logits(
            logits[i, index, 0], (which[index] >= 0).float(), reduction="sum")
        total = total + (offsets[i, found] - encode(anchors[found], boxes[which[found]])).abs().sum()
        count += len(index)
    return total / max(count, 1)


def true_masks(masks: Tensor, boxes: Tensor) -> Tensor:
    """What a mask head shall say of boxes [N, 4], each in a mask [N, H, W] of its own: [N, 28, 28]."""
    rows = torch.cat([torch.arange(len(boxes))[:, None].float(), boxes], dim=1)
    return (roi_align(masks[:, None], rows, 2 * MASK_SIDE, aligned=True)[:, 0] >= 0.5).float()


def stage_loss(model: InstanceDetector, stage: int, maps: Sequence[Tensor], boxes: Sequence[Tensor],
               truth: Sequence[Tensor], labels: Sequence[Tensor], masks: Sequence[Tensor],
               size: tuple[int, int]) -> tuple[Tensor, list[Tensor]]:
    """One stage's loss on each picture's boxes, and the boxes that it makes of them."""
    box_head, mask_head, deviation = model.stages[stage]
    matcher = Matcher(STAGE_OVERLAPS[stage], STAGE_OVERLAPS[stage], allow_low_quality_matches=False)
    sampler = BalancedPositiveNegativeSampler(BOX_SAMPLES, 0.25)
    classes = model.stages[0][0].fc_cls.out_features - 1
    rows, names, targets, shapes = [], [], [], []
    for some, true, name, mask in zip(boxes, truth, labels, masks):
        some = torch.cat([true, some])
        which = match(matcher, some, true)
        index = sample(sampler, which)
        some, which = some[index], which[index]
        found = which >= 0
        rows.append(some)
        names.append(torch.full((len(some),), classes))
        names[-1][found] = name[which[found]]
        targets.append(encode(some[found], true[which[found]]) / deviation)
        shapes.append(true_masks(mask[which[found]], some[found]))
    label, targets = torch.cat(names), torch.cat(targets)
    found = (label < classes).nonzero()[:, 0]
    logits, offsets = box_head(cut(maps, rows, BOX_SIDE))
    total = F.cross_entropy(logits, label)
    total = total + (offsets[found, label[found]] - targets).abs().sum() / len(label)
    if len(found):
        inside = [some[name < classes] for some, name in zip(rows, names)]
        guess = mask_head(cut(maps, inside, MASK_SIDE))[torch.arange(len(found)), label[found]]
        total = total + F.binary_cross_entropy_with_logits(guess, torch.cat(shapes))
    better = refine(torch.cat(rows), logits.detach(), offsets.detach(), deviation, *size)
    return total, list(better.split([len(some) for some in rows]))


def loss(model: InstanceDetector, x: Tensor, boxes: Tensor, labels: Tensor, masks: Tensor) -> Tensor:
    """Boxes [B, most, 4] and masks [B, most, H, W], 0 or 1; labels [B, most] are -1 where there is none."""
    there = labels >= 0
    truth, labels, masks = ([values[t] for values, t in zip(all, there)] for all in (boxes, labels, masks))
    height, width = x.shape[-2:]
    maps, levels = model(x)
    total = proposal_loss(levels, truth)
    some = propose(levels, width, height, PROPOSALS)
    for stage in range(len(model.stages)):
        one, some = stage_loss(model, stage, maps, some, truth, labels, masks, (width, height))
        total = total + STAGE_WEIGHTS[stage] * one
    return total
