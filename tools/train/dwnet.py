# SPDX-License-Identifier: Apache-2.0
"""Static, dynamic and inhomogeneous dynamic DWNet (arXiv 2106.04263), with the published state-dict names.

The importer recognises a network by those names, so the module tree mirrors them, `attn2conv` and all.
"""
from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class DWNetConfig:
    embed: int = 96
    depths: tuple[int, ...] = (2, 2, 6, 2)
    window: int = 7
    classes: int = 1000
    mlp_ratio: int = 4
    patch: int = 4
    dynamic: bool = False
    #: Channels of the first stage that share the taps of a position, doubled in each further stage; 0: no such taps.
    group_channels: int = 0
    drop_path: float = field(default=0.0, compare=False)
    #: Maps are padded to whole windows around the depth-wise convolution, as the published dense networks do.
    dense: bool = False

    @property
    def stride(self) -> int:
        """Input pixels per position of the last stage, along one side."""
        return self.patch * 2 ** (len(self.depths) - 1)

    def check_input(self, size: int) -> None:
        if size <= 0 or size % self.stride:
            raise ValueError(f"the input side must be a multiple of {self.stride}, not {size}")


def drop_path(x: Tensor, rate: float, training: bool) -> Tensor:
    """Leaves out the whole branch for some pictures of the batch, and scales the others up to make up for it."""
    if rate == 0.0 or not training:
        return x
    keep = torch.rand(x.shape[0], 1, 1, 1, device=x.device) >= rate
    return x * keep / (1.0 - rate)


def pad_to(x: Tensor, edge: int) -> Tensor:
    """Zeros to the right of and below a map [B, C, H, W] until both sides are multiples of the edge."""
    height, width = x.shape[-2:]
    return F.pad(x, (0, -width % edge, 0, -height % edge)) if height % edge or width % edge else x


class PatchEmbed(nn.Module):
    def __init__(self, embed: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, embed, patch, stride=patch)
        self.norm = nn.LayerNorm(embed)

    def forward(self, x: Tensor) -> Tensor:
        x = self.proj(x).permute(0, 2, 3, 1)
        return self.norm(x).permute(0, 3, 1, 2)


class DynamicDepthwise(nn.Module):
    """A depth-wise convolution with a kernel of its own for each picture, computed from the picture's mean."""

    def __init__(self, channels: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.conv1 = nn.Conv2d(channels, channels // 4, 1, bias=False)
        self.bn = nn.BatchNorm2d(channels // 4)
        self.conv2 = nn.Conv2d(channels // 4, channels * window * window, 1)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        pictures, channels, height, width = x.shape
        taps = self.conv2(F.relu(self.bn(self.conv1(x.mean(dim=(2, 3), keepdim=True)))))
        # One group for each channel of each picture: the pictures of a batch share nothing.
        kernels = taps.reshape(pictures * channels, 1, self.window, self.window)
        y = F.conv2d(x.reshape(1, -1, height, width), kernels, self.bias.repeat(pictures),
                     padding=self.window // 2, groups=pictures * channels)
        return y.reshape(x.shape)


class InhomogeneousDepthwise(nn.Module):
    """A depth-wise convolution with a kernel of its own for each position and group of channels, computed from the
    position's channels."""

    def __init__(self, channels: int, window: int, group_channels: int) -> None:
        super().__init__()
        self.window = window
        self.groups = channels // group_channels
        hidden = channels // 4
        self.conv1 = nn.Sequential(nn.Conv2d(channels, hidden, 1), nn.BatchNorm2d(hidden), nn.ReLU())
        self.conv2 = nn.Sequential(nn.Conv2d(hidden, self.groups * window * window, 1))

    def forward(self, x: Tensor) -> Tensor:
        pictures, channels, height, width = x.shape
        area = self.window * self.window
        taps = self.conv2(self.conv1(x)).reshape(pictures, self.groups, 1, area, height, width)
        windows = F.unfold(x, self.window, padding=self.window // 2)
        windows = windows.reshape(pictures, self.groups, channels // self.groups, area, height, width)
        return (taps * windows).sum(dim=3).reshape(x.shape)


class DepthwiseAttention(nn.Module):
    """What replaces the window attention: 1x1, depth-wise KxK, 1x1."""

    def __init__(self, channels: int, window: int, dynamic: bool, group_channels: int) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn0 = nn.BatchNorm2d(channels)
        if group_channels:
            self.conv: nn.Module = InhomogeneousDepthwise(channels, window, group_channels)
        elif dynamic:
            self.conv = DynamicDepthwise(channels, window)
        else:
            self.conv = nn.Conv2d(channels, channels, window, padding=window // 2, groups=channels)
        self.bn = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn0(self.conv0(x)))
        x = F.relu(self.bn(self.conv(x)))
        return self.bn2(self.conv2(x))


class Mlp(nn.Module):
    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden)
        self.fc2 = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, channels: int, config: DWNetConfig, drop: float) -> None:
        super().__init__()
        # The groups of all stages are equally many.
        group_channels = config.group_channels * channels // config.embed
        self.attn2conv = DepthwiseAttention(channels, config.window, config.dynamic, group_channels)
        self.bn = nn.BatchNorm2d(channels)
        self.mlp = Mlp(channels, config.mlp_ratio * channels)
        self.drop = drop
        self.pad = config.window if config.dense else 1

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        y = self.attn2conv(pad_to(x, self.pad))[..., :height, :width]
        x = x + drop_path(y, self.drop, self.training)
        y = self.mlp(self.bn(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return x + drop_path(y, self.drop, self.training)


class Downsample(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * channels)
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        # The channel order is part of the published weights: rows change before columns.
        corners = (x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2])
        return self.reduction(self.norm(torch.cat(corners, dim=-1))).permute(0, 3, 1, 2)


class Stage(nn.Module):
    def __init__(self, channels: int, config: DWNetConfig, drops: list[float], last: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(channels, config, drop) for drop in drops)
        self.downsample = None if last else Downsample(channels)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x if self.downsample is None else self.downsample(x)


class DWNet(nn.Module):
    def __init__(self, config: DWNetConfig) -> None:
        super().__init__()
        if config.window % 2 == 0:
            raise ValueError("the window must be odd")
        self.patch_embed = PatchEmbed(config.embed, config.patch)
        total = sum(config.depths)
        # Later blocks are dropped more often, as in the published training.
        drops = [config.drop_path * i / max(total - 1, 1) for i in range(total)]
        self.layers = nn.ModuleList()
        first = 0
        for stage, depth in enumerate(config.depths):
            last = stage == len(config.depths) - 1
            self.layers.append(Stage(config.embed << stage, config, drops[first:first + depth], last))
            first += depth
        features = config.embed << (len(config.depths) - 1)
        self.norm = nn.LayerNorm(features)
        self.head = nn.Linear(features, config.classes)
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch_embed(x)
        for stage in self.layers:
            x = stage(x)
        return self.head(self.norm(x.permute(0, 2, 3, 1)).mean(dim=(1, 2)))


def initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
