# SPDX-License-Identifier: Apache-2.0
"""Mask R-CNN (arXiv 1703.06870) and Cascade Mask R-CNN (1906.09756): boxes and masks of the instances in a picture.

Names of tensors, order of operations and test settings are those of mmdetection 2, but for the number of proposals.
Boxes are corners (x1, y1, x2, y2) in pixels of the input. Needs torchvision.
"""
from __future__ import annotations

import argparse
from typing import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import batched_nms, roi_align

from boxes import decode, flatten
from dense import FPN, STRIDES, Backbone, ConvModule

FIRST_STRIDE = STRIDES[0]
SCALES = torch.tensor([8.0])
RATIOS = 3
FINEST_SCALE = 56
"""Boxes with twice this side are cut out of the second level, and so on."""
BOX_SIDE, MASK_SIDE = 7, 14
DEVIATIONS = ((0.1, 0.1, 0.2, 0.2), (0.05, 0.05, 0.1, 0.1), (0.033, 0.033, 0.067, 0.067))
"""What offsets are multiplied by, for each stage of a cascade; a single stage has the first."""
PROPOSALS = 100
LEAST_SCORE = 0.05
MOST_FOUND = 100


class RPNHead(nn.Module):
    """A score and offsets for the anchors of each position; the same weights for all levels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.rpn_conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.rpn_cls = nn.Conv2d(channels, RATIOS, 1)
        self.rpn_reg = nn.Conv2d(channels, 4 * RATIOS, 1)
        for module in self.children():
            nn.init.normal_(module.weight, std=0.01)
            nn.init.zeros_(module.bias)

    def forward(self, levels: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        maps = [F.relu(self.rpn_conv(x)) for x in levels]
        return [(self.rpn_cls(x), self.rpn_reg(x)) for x in maps]


class BoxHead(nn.Module):
    """Features of boxes [N, C, 7, 7] to logits [N, classes + 1], the last of which is no object's, and offsets."""

    def __init__(self, channels: int, convs: int, products: int, rows: int, classes: int) -> None:
        super().__init__()
        self.fc_cls = nn.Linear(rows, classes + 1)
        self.fc_reg = nn.Linear(rows, 4 * classes)
        self.shared_convs = nn.ModuleList(ConvModule(channels, channels, 3) for _ in range(convs))
        self.shared_fcs = nn.ModuleList(
            nn.Linear(rows if i else channels * BOX_SIDE ** 2, rows) for i in range(products))
        for module, deviation in ((self.fc_cls, 0.01), (self.fc_reg, 0.001)):
            nn.init.normal_(module.weight, std=deviation)
            nn.init.zeros_(module.bias)
        for module in self.shared_fcs:
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        for conv in self.shared_convs:
            x = conv(x)
        x = x.flatten(1)
        for product in self.shared_fcs:
            x = F.relu(product(x))
        return self.fc_cls(x), self.fc_reg(x).view(len(x), -1, 4)


class MaskHead(nn.Module):
    """Features of boxes [N, C, 14, 14] to a map of logits for each class, [N, classes, 28, 28]."""

    def __init__(self, channels: int, convs: int, classes: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(ConvModule(channels, channels, 3, norm=False) for _ in range(convs))
        self.upsample = nn.ConvTranspose2d(channels, channels, 2, stride=2)
        self.conv_logits = nn.Conv2d(channels, classes, 1)
        for module in (self.upsample, self.conv_logits):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.convs:
            x = conv(x)
        return self.conv_logits(F.relu(self.upsample(x)))


class InstanceDetector(nn.Module):
    """Either network; `stages` has the heads of boxes and of masks of each stage, of which Mask R-CNN has one."""

    def __init__(self, args: argparse.Namespace) -> None:
        super().__init__()
        channels, classes = args.channels, args.classes
        self.backbone = Backbone(args)
        self.neck = FPN(self.backbone.channels, channels, 0, len(STRIDES))
        self.rpn_head = RPNHead(channels)
        self.roi_head = nn.Module()
        if args.head == "mask":
            self.roi_head.bbox_head = BoxHead(channels, 0, 2, args.fc, classes)
            self.roi_head.mask_head = MaskHead(channels, args.convs, classes)
        else:
            self.roi_head.bbox_head = nn.ModuleList(BoxHead(channels, 4, 1, args.fc, classes) for _ in DEVIATIONS)
            self.roi_head.mask_head = nn.ModuleList(MaskHead(channels, args.convs, classes) for _ in DEVIATIONS)

    @property
    def stages(self) -> list[tuple[BoxHead, MaskHead, Tensor]]:
        """Each stage's heads, and what its offsets are multiplied by."""
        boxes, masks = self.roi_head.bbox_head, self.roi_head.mask_head
        pairs = [(boxes, masks)] if isinstance(boxes, BoxHead) else zip(boxes, masks)
        return [(*pair, torch.tensor(deviation)) for pair, deviation in zip(pairs, DEVIATIONS)]

    def forward(self, x: Tensor) -> tuple[list[Tensor], list[tuple[Tensor, Tensor, Tensor]]]:
        """The pyramid's four maps; logits [B, anchors, 1], offsets and anchors of its five levels."""
        maps = self.neck(self.backbone(x))
        return maps, flatten(self.rpn_head([*maps, maps[-1][:, :, ::2, ::2]]), 1, FIRST_STRIDE, SCALES)


@torch.no_grad()
def propose(levels: Sequence[tuple[Tensor, Tensor, Tensor]], width: int, height: int, most: int,
            candidates: int = 1000) -> list[Tensor]:
    """Each picture's proposals, [N, 4] by falling score, at most so many of `candidates` of each level."""
    found = []
    for picture in range(len(levels[0][0])):
        boxes, scores, names = [], [], []
        for i, (logits, offsets, anchors) in enumerate(levels):
            score, order = logits[picture, :, 0].sigmoid().sort(descending=True, stable=True)
            order = order[:candidates]
            boxes.append(decode(anchors[order], offsets[picture, order], width, height))
            scores.append(score[:candidates])
            names.append(torch.full((len(order),), i))
        boxes = torch.cat(boxes)
        found.append(boxes[batched_nms(boxes, torch.cat(scores), torch.cat(names), 0.7)[:most]])
    return found


def cut(maps: Sequence[Tensor], boxes: Sequence[Tensor], side: int) -> Tensor:
    """Each picture's boxes, [N, 4] each, of the levels that fit their size: [all boxes, C, side, side]."""
    rows = torch.cat([F.pad(some, (1, 0), value=float(i)) for i, some in enumerate(boxes)])
    size = ((rows[:, 3] - rows[:, 1]) * (rows[:, 4] - rows[:, 2])).sqrt()
    level = (size / FINEST_SCALE + 1e-6).log2().floor().clamp(0, len(maps) - 1)
    x = maps[0].new_zeros(len(rows), maps[0].shape[1], side, side)
    for i, (map, stride) in enumerate(zip(maps, STRIDES)):
        here = level == i
        if here.any():
            x[here] = roi_align(map.contiguous(), rows[here], side, 1 / stride, sampling_ratio=0, aligned=True)
    return x


def refine(boxes: Tensor, logits: Tensor, offsets: Tensor, deviation: Tensor, width: int, height: int) -> Tensor:
    """The boxes of a cascade's next stage: those of the best class."""
    best = logits[:, :-1].argmax(dim=1)
    return decode(boxes, offsets[torch.arange(len(boxes)), best] * deviation, width, height)


def select(boxes: Tensor, scores: Tensor) -> Tensor:
    """Boxes of each class [N, classes, 4], and scores, to what is found: [M, 6] of corners, score and class."""
    row, label = (scores > LEAST_SCORE).nonzero(as_tuple=True)
    boxes, scores = boxes[row, label], scores[row, label]
    kept = batched_nms(boxes, scores, label, 0.5)[:MOST_FOUND]
    return torch.cat([boxes[kept], scores[kept, None], label[kept, None].float()], dim=1)


@torch.inference_mode()
def detect(model: InstanceDetector, x: Tensor) -> list[tuple[Tensor, Tensor]]:
    """What is found in each picture: [N, 6] of corners, score and class, and the masks' probabilities [N, 28, 28]."""
    height, width = x.shape[-2:]
    maps, levels = model(x)
    results = []
    for i, boxes in enumerate(propose(levels, width, height, PROPOSALS)):
        mine = [map[i:i + 1] for map in maps]
        total = 0
        for stage, (head, _, deviation) in enumerate(model.stages):
            if stage:
                boxes = refine(boxes, logits, offsets, before, width, height)
            logits, offsets = head(cut(mine, [boxes], BOX_SIDE))
            total, before = total + logits, deviation
        scores = (total / len(model.stages)).softmax(dim=1)[:, :-1]
        found = select(decode(boxes[:, None], offsets * deviation, width, height), scores)
        features = cut(mine, [found[:, :4]], MASK_SIDE)
        label = found[:, 5].long()
        masks = [head(features)[torch.arange(len(label)), label].sigmoid() for _, head, _ in model.stages]
        results.append((found, torch.stack(masks).mean(dim=0)))
    return results


def paste(masks: Tensor, boxes: Tensor, width: int, height: int) -> Tensor:
    """Probabilities [N, 28, 28] and corners [N, 4] in pixels of a picture to masks of it, [N, height, width]."""
    def places(low: Tensor, high: Tensor, count: int) -> Tensor:
        return (torch.arange(count) + 0.5 - low[:, None]) / (high - low).clamp(min=1e-3)[:, None] * 2 - 1

    x, y = places(boxes[:, 0], boxes[:, 2], width), places(boxes[:, 1], boxes[:, 3], height)
    grid = torch.stack([x[:, None, :].expand(-1, height, -1), y[:, :, None].expand(-1, -1, width)], dim=-1)
    return F.grid_sample(masks[:, None], grid, align_corners=False)[:, 0] >= 0.5
