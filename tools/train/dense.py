# SPDX-License-Identifier: Apache-2.0
"""Networks that say something about every place of a picture: RetinaNet, UPerNet and semantic FPN.

What finds instances stands in `two_stage.py`, on the backbones and the pyramid of this module.

Names of tensors, order of operations and defaults are those of mmdetection 2 and mmsegmentation 0, so that what is
trained here is imported like a released checkpoint. The backbones are the classification networks of this folder,
each stage's map going out through a norm of its own.
"""
from __future__ import annotations

import argparse
import math
from typing import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import dilateformer
import families
from dwnet import pad_to

STRIDES = (4, 8, 16, 32)
FAMILIES = ("dwnet", "dynamic_dwnet", "swin", "dilateformer")
HEADS = {"detect": ("retina",), "segment": ("uper", "fpn"), "instances": ("mask", "cascade")}


def bilinear(x: Tensor, size: Sequence[int]) -> Tensor:
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)


class Backbone(nn.Module):
    """A classification network without its head; its stages' maps, [B, C, H, W], before they are made smaller."""

    def __init__(self, args: argparse.Namespace) -> None:
        super().__init__()
        args = argparse.Namespace(**{**vars(args), "dense": True, "input": max(args.input)})
        network = families.build(args)
        self.family = args.family
        self.patch_embed = network.patch_embed
        if args.family == "dilateformer":
            self.stages = network.stages
        else:
            self.layers = network.layers
        self.channels = [args.embed << i for i in range(len(args.depths))]
        for i, channels in enumerate(self.channels):
            if args.family == "swin":
                norm: nn.Module = nn.LayerNorm(channels)
            elif args.family == "dilateformer":
                norm = nn.LayerNorm(channels, eps=dilateformer.EPSILON)
            else:
                norm = nn.BatchNorm2d(channels)
            self.add_module(f"norm{i}", norm)

    def forward(self, x: Tensor) -> list[Tensor]:
        merges = self.family != "dilateformer"  # whose convolutions pad for themselves
        rows = self.family == "swin"  # whose blocks have the channels last
        x = self.patch_embed(pad_to(x, STRIDES[0]) if merges else x)
        maps = []
        for i, stage in enumerate(self.layers if merges else self.stages):
            x = x.permute(0, 2, 3, 1) if rows else x
            for block in stage.blocks:
                x = block(x)
            x = x.permute(0, 3, 1, 2) if rows else x
            norm = getattr(self, f"norm{i}")
            batch = isinstance(norm, nn.BatchNorm2d)
            maps.append(norm(x) if batch else norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))
            if stage.downsample is not None:
                x = stage.downsample(pad_to(x, 2) if merges else x)
        return maps


class ConvModule(nn.Module):
    """A convolution, with BatchNorm or a bias, and perhaps ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, norm: bool = True,
                 relu: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=not norm)
        if norm:
            self.bn = nn.BatchNorm2d(outputs)
        self.relu = relu
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")
        if self.conv.bias is not None:
            nn.init.zeros_(self.conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if hasattr(self, "bn"):
            x = self.bn(x)
        return F.relu(x) if self.relu else x


class FPN(nn.Module):
    """Sums of the maps from the coarsest on; further levels are convolved from the last input and from each other."""

    def __init__(self, inputs: Sequence[int], channels: int, start: int, levels: int) -> None:
        super().__init__()
        self.start = start
        inputs = inputs[start:]
        self.lateral_convs = nn.ModuleList(ConvModule(c, channels, 1, norm=False, relu=False) for c in inputs)
        self.fpn_convs = nn.ModuleList(ConvModule(channels, channels, 3, norm=False, relu=False) for _ in inputs)
        for i in range(levels - len(inputs)):
            self.fpn_convs.append(
                ConvModule(channels if i else inputs[-1], channels, 3, stride=2, norm=False, relu=False))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        sums = [conv(x) for conv, x in zip(self.lateral_convs, maps[self.start:])]
        for i in range(len(sums) - 1, 0, -1):
            sums[i - 1] = sums[i - 1] + F.interpolate(sums[i], size=sums[i - 1].shape[2:], mode="nearest")
        levels = [conv(x) for conv, x in zip(self.fpn_convs, sums)]
        x = maps[-1]
        for conv in self.fpn_convs[len(sums):]:
            x = conv(x)
            levels.append(x)
        return levels


class RetinaHead(nn.Module):
    """Scores of classes and offsets of boxes for the anchors of each position; the same weights for all levels."""

    def __init__(self, inputs: int, channels: int, convs: int, anchors: int, classes: int) -> None:
        super().__init__()

        def tower() -> nn.ModuleList:
            return nn.ModuleList(ConvModule(channels if i else inputs, channels, 3, norm=False) for i in range(convs))

        self.cls_convs = tower()
        self.reg_convs = tower()
        last = channels if convs else inputs
        self.retina_cls = nn.Conv2d(last, anchors * classes, 3, padding=1)
        self.retina_reg = nn.Conv2d(last, anchors * 4, 3, padding=1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)
        # In the beginning every score is 0.01, or the many anchors without an object would rule the loss.
        nn.init.constant_(self.retina_cls.bias, -math.log(99))

    def forward(self, levels: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        results = []
        for x in levels:
            scores = offsets = x
            for conv in self.cls_convs:
                scores = conv(scores)
            for conv in self.reg_convs:
                offsets = conv(offsets)
            results.append((self.retina_cls(scores), self.retina_reg(offsets)))
        return results


class SegmentationHead(nn.Module):
    """What ends both heads: the classes' scores of each position."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout2d(0.1)
        self.conv_seg = nn.Conv2d(channels, classes, 1)
        nn.init.normal_(self.conv_seg.weight, std=0.01)
        nn.init.zeros_(self.conv_seg.bias)

    def classify(self, x: Tensor) -> Tensor:
        return self.conv_seg(self.dropout(x))


class UPerHead(SegmentationHead):
    """UPerNet: means over parts of the coarsest map, then sums from the coarsest on, then all levels together."""

    def __init__(self, inputs: Sequence[int], channels: int, classes: int, bins: Sequence[int] = (1, 2, 3, 6)) -> None:
        super().__init__(channels, classes)
        self.psp_modules = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(n), ConvModule(inputs[-1], channels, 1)) for n in bins)
        self.bottleneck = ConvModule(inputs[-1] + len(bins) * channels, channels, 3)
        self.lateral_convs = nn.ModuleList(ConvModule(c, channels, 1) for c in inputs[:-1])
        self.fpn_convs = nn.ModuleList(ConvModule(channels, channels, 3) for _ in inputs[:-1])
        self.fpn_bottleneck = ConvModule(len(inputs) * channels, channels, 3)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        top = maps[-1]
        sums = [conv(x) for conv, x in zip(self.lateral_convs, maps)]
        means = [bilinear(module(top), top.shape[2:]) for module in self.psp_modules]
        sums.append(self.bottleneck(torch.cat([top, *means], dim=1)))
        for i in range(len(sums) - 1, 0, -1):
            sums[i - 1] = sums[i - 1] + bilinear(sums[i], sums[i - 1].shape[2:])
        levels = [conv(x) for conv, x in zip(self.fpn_convs, sums)] + sums[-1:]
        levels = [bilinear(x, levels[0].shape[2:]) for x in levels]
        return self.classify(self.fpn_bottleneck(torch.cat(levels, dim=1)))


class FPNHead(SegmentationHead):
    """Semantic FPN: every level is convolved and doubled until it has the finest one's size; then their sum."""

    def __init__(self, inputs: int, channels: int, classes: int) -> None:
        super().__init__(channels, classes)
        self.scale_heads = nn.ModuleList()
        for stride in STRIDES:
            doublings = (stride // STRIDES[0]).bit_length() - 1
            parts: list[nn.Module] = []
            for i in range(max(1, doublings)):
                parts.append(ConvModule(channels if i else inputs, channels, 3))
                if doublings:
                    parts.append(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False))
            self.scale_heads.append(nn.Sequential(*parts))

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        y = self.scale_heads[0](levels[0])
        for head, x in zip(self.scale_heads[1:], levels[1:]):
            y = y + bilinear(head(x), y.shape[2:])
        return self.classify(y)


class Detector(nn.Module):
    """RetinaNet: pictures [B, 3, H, W], normalised, to the scores and offsets of five levels."""

    LEVELS = 5
    START = 1
    ANCHORS = 9

    def __init__(self, args: argparse.Namespace) -> None:
        super().__init__()
        self.backbone = Backbone(args)
        self.neck = FPN(self.backbone.channels, args.channels, self.START, self.LEVELS)
        self.bbox_head = RetinaHead(args.channels, args.channels, args.convs, self.ANCHORS, args.classes)

    def forward(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        return self.bbox_head(self.neck(self.backbone(x)))


class Segmenter(nn.Module):
    """UPerNet or semantic FPN: pictures [B, 3, H, W], normalised, to scores [B, classes, H / 4, W / 4]."""

    def __init__(self, args: argparse.Namespace) -> None:
        super().__init__()
        self.backbone = Backbone(args)
        if args.head == "fpn":
            self.neck = FPN(self.backbone.channels, args.channels, 0, len(STRIDES))
            self.decode_head: nn.Module = FPNHead(args.channels, args.channels, args.classes)
        else:
            self.decode_head = UPerHead(self.backbone.channels, args.channels, args.classes)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.backbone(x)
        return self.decode_head(self.neck(maps) if hasattr(self, "neck") else maps)


def build(args: argparse.Namespace) -> nn.Module:
    """The network of --task; args.input is (width, height)."""
    if args.family not in FAMILIES:
        raise ValueError(f"--family: of {args.family} there is no dense network here, but of {', '.join(FAMILIES)}")
    if len(args.depths) != len(STRIDES):
        raise ValueError(f"--depths: expected {len(STRIDES)} stages, not {len(args.depths)}")
    if args.head not in HEADS[args.task]:
        raise ValueError(f"--head: {args.task} has {', '.join(HEADS[args.task])}, not {args.head}")
    if args.task == "instances":
        from two_stage import InstanceDetector  # which needs torchvision, as nothing else here does
        return InstanceDetector(args)
    return (Detector if args.task == "detect" else Segmenter)(args)
