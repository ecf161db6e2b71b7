# SPDX-License-Identifier: Apache-2.0
"""DilateFormer (arXiv 2302.01791), written from its description, with the published state-dict names.

The importer recognises a network by those names, so the module tree mirrors them.
"""
from __future__ import annotations

from typing import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dwnet import Mlp, initialise

DILATIONS = (1, 2, 3)
STEM_CHANNELS = (16, 32, 64)
EPSILON = 1e-6


class Stem(nn.Module):
    """Four 3x3 convolutions, every second one halving the map."""

    def __init__(self, embed: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for index, outputs in enumerate((*STEM_CHANNELS, embed)):
            layers.append(nn.Conv2d(inputs, outputs, 3, stride=1 + index % 2, padding=1, bias=False))
            if index < len(STEM_CHANNELS):
                layers += [nn.BatchNorm2d(outputs), nn.GELU()]
            inputs = outputs
        self.proj = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x)


class DilatedAttention(nn.Module):
    """Attention to 3x3 neighbours, each group of heads at its own distance.

    Neighbours outside the map are zeros among the keys and the values, and take part in the softmax.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        if channels % heads or heads % len(DILATIONS):
            raise ValueError(f"{heads} heads do not divide {channels} channels in {len(DILATIONS)} groups")
        self.head_channels = channels // heads
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.proj = nn.Linear(channels, channels)

    def attend(self, qkv: Tensor, dilation: int) -> Tensor:
        """[3, B, C, H, W], the queries, keys and values of one group, to [B, C, H, W]."""
        _, pictures, channels, height, width = qkv.shape
        heads = channels // self.head_channels
        query, key, value = qkv
        query = query.reshape(pictures, heads, self.head_channels, 1, height * width)
        key, value = (
            F.unfold(part, 3, dilation=dilation, padding=dilation)
            .reshape(pictures, heads, self.head_channels, 9, height * width) for part in (key, value))
        scores = (query * key).sum(dim=2, keepdim=True) * self.head_channels ** -0.5
        return (scores.softmax(dim=3) * value).sum(dim=3).reshape(pictures, channels, height, width)

    def forward(self, x: Tensor) -> Tensor:
        pictures, height, width, channels = x.shape
        qkv = self.qkv(x.permute(0, 3, 1, 2))
        qkv = qkv.reshape(pictures, 3, len(DILATIONS), channels // len(DILATIONS), height, width)
        groups = qkv.permute(2, 1, 0, 3, 4, 5)
        attended = [self.attend(group, dilation) for group, dilation in zip(groups, DILATIONS)]
        return self.proj(torch.cat(attended, dim=1).permute(0, 2, 3, 1))


class GlobalAttention(nn.Module):
    """Attention to all positions."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"{heads} heads do not divide {channels} channels")
        self.heads = heads
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        pictures, height, width, channels = x.shape
        qkv = self.qkv(x).reshape(pictures, height * width, 3, self.heads, channels // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-2, -1) * (channels // self.heads) ** -0.5
        attended = (scores.softmax(dim=-1) @ value).transpose(1, 2)
        return self.proj(attended.reshape(pictures, height, width, channels))


class Block(nn.Module):
    """Maps are [B, C, H, W] between blocks."""

    def __init__(self, channels: int, heads: int, dilated: bool) -> None:
        super().__init__()
        self.pos_embed = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.norm1 = nn.LayerNorm(channels, eps=EPSILON)
        self.attn = (DilatedAttention if dilated else GlobalAttention)(channels, heads)
        self.norm2 = nn.LayerNorm(channels, eps=EPSILON)
        self.mlp = Mlp(channels, 4 * channels)

    def forward(self, x: Tensor) -> Tensor:
        x = (x + self.pos_embed(x)).permute(0, 2, 3, 1)
        x = x + self.attn(self.norm1(x))
        x = x + self.mlp(self.norm2(x))
        return x.permute(0, 3, 1, 2)


class Downsample(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.proj = nn.Sequential(
            nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1), nn.BatchNorm2d(2 * channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x)


class Stage(nn.Module):
    def __init__(self, channels: int, depth: int, heads: int, dilated: bool, last: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(channels, heads, dilated) for _ in range(depth))
        self.downsample = nn.Identity() if last else Downsample(channels)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return self.downsample(x)


class DilateFormer(nn.Module):
    """Pictures [B, 3, H, W], normalised, to logits [B, classes]; the first two stages are dilated."""

    def __init__(self, embed: int, depths: Sequence[int], heads: Sequence[int], classes: int) -> None:
        super().__init__()
        if len(heads) != len(depths):
            raise ValueError(f"{len(depths)} stages, but heads for {len(heads)}")
        self.patch_embed = Stem(embed)
        last = len(depths) - 1
        self.stages = nn.ModuleList(
            Stage(embed << i, depth, heads[i], dilated=i < 2, last=i == last) for i, depth in enumerate(depths))
        features = embed << last
        self.norm = nn.LayerNorm(features, eps=EPSILON)
        self.head = nn.Linear(features, classes)
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch_embed(x)
        for stage in self.stages:
            x = stage(x)
        return self.head(self.norm(x.permute(0, 2, 3, 1)).mean(dim=(1, 2)))
