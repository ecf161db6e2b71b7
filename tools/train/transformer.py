# SPDX-License-Identifier: Apache-2.0
"""Four stages of attention blocks on a pyramid of maps: Swin (arXiv 2103.14030) and lvt's depth-wise ViT.

The depth-wise ViT is our own reading of arXiv 2309.10713, whose code and weights were not published. The paper
sees self-attention as two dynamic 1x1 convolutions with an activation between them and puts ReLU and LayerNorm in
the softmax's place; and it makes a depth-wise transformer in the spirit of depth-wise convolution. Here:

  ReLU-LayerNorm attention   a = gamma[h] * LayerNorm_keys(ReLU(scale * q k^T + bias)) + beta[h],  y = a v
                             inside windows; bias is Swin's table of relative positions
  depth-wise attention       a[j,c] = act_j(s[c] * q[p,c] * k[j,c] + b[c,j]),  y[p,c] = sum_j a[j,c] * v[j,c]
                             over the K x K neighbours j of position p, each channel for itself;
                             act is softmax over j, or gamma[c] * LayerNorm_j(ReLU(.)) + beta[c]

The LayerNorm over the keys has one gamma and one beta for a head (a channel), so that it does not depend on the
number of keys; in a shifted window it runs over the keys that the query sees. Neighbours outside the map have zero keys and values and take part, as zeros do in a padded
convolution. By default the first two stages have depth-wise attention, the others attention in windows.

Tensor names are those of Swin's published code; the depth-wise ViT adds `attn.key_norm.weight` and `.bias`
(gamma and beta), `attn.channel_scale` (s) and `attn.position_bias` (b, C x K x K).
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dwnet import Downsample, Mlp, PatchEmbed, initialise

EPSILON = 1e-5


@dataclass(frozen=True)
class TransformerConfig:
    embed: int = 96
    depths: tuple[int, ...] = (2, 2, 6, 2)
    heads: tuple[int, ...] = (3, 6, 12, 24)
    window: int = 7
    classes: int = 1000
    input: int = 224
    mlp_ratio: int = 4
    patch: int = 4
    norm: str = "softmax"
    """What makes weights of scores: softmax or relu-norm."""
    depthwise_stages: int = 0
    """So many of the first stages have depth-wise attention."""
    dense: bool = False
    """Windows are never smaller and every second block is shifted, whatever the map, as in the published dense code."""


class KeyNorm(nn.Module):
    """gamma * LayerNorm(ReLU(scores)) + beta over the last dimension; one gamma and beta for a head or channel.

    Keys that are hidden from a query take no part in the LayerNorm and have weight 0.
    """

    def __init__(self, count: int, keys: int) -> None:
        super().__init__()
        # In the beginning, about a softmax's weights: their mean is 1 / keys.
        self.weight = nn.Parameter(torch.full((count,), 1.0 / keys))
        self.bias = nn.Parameter(torch.full((count,), 1.0 / keys))

    def forward(self, scores: Tensor, hidden: Tensor | None = None) -> Tensor:
        """scores: [..., count, rows, keys]; hidden: as scores, or broadcast to them"""
        x = F.relu(scores)
        if hidden is None:
            x = F.layer_norm(x, x.shape[-1:], eps=EPSILON)
            return x * self.weight[:, None, None] + self.bias[:, None, None]
        seen = (~hidden).to(x.dtype)
        count = seen.sum(-1, keepdim=True)
        x = x - (x * seen).sum(-1, keepdim=True) / count
        x = x / ((x * x * seen).sum(-1, keepdim=True) / count + EPSILON).sqrt()
        return (x * self.weight[:, None, None] + self.bias[:, None, None]) * seen


class WindowAttention(nn.Module):
    """Multi-head attention inside (shifted) windows; a map that does not cut into whole windows is padded."""

    def __init__(self, channels: int, heads: int, window: int, shift: int, norm: str, dense: bool) -> None:
        super().__init__()
        self.heads, self.window, self.shift, self.dense = heads, window, shift, dense
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        if norm == "relu-norm":
            self.key_norm = KeyNorm(heads, window * window)
        places = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
        steps = places[:, :, None] - places[:, None, :] + window - 1
        self.register_buffer("bias_index", steps[0] * (2 * window - 1) + steps[1], persistent=False)

    def windows(self, x: Tensor) -> Tensor:
        """[B,H,W,C] to [B, windows, positions of a window, C]"""
        b, h, w, c = x.shape
        x = x.view(b, h // self.window, self.window, w // self.window, self.window, c)
        return x.permute(0, 1, 3, 2, 4, 5).reshape(b, -1, self.window * self.window, c)

    def mask(self, height: int, width: int) -> Tensor:
        """Which pairs of a window's positions lie on two sides of the seam: [windows, 1, n, n]"""
        sides = torch.zeros(1, height, width, 1)
        for i, rows in enumerate((slice(-self.window), slice(-self.window, -self.shift), slice(-self.shift, None))):
            for j, columns in enumerate(
                    (slice(-self.window), slice(-self.window, -self.shift), slice(-self.shift, None))):
                sides[:, rows, columns] = 3 * i + j
        side = self.windows(sides)[0, :, :, 0]
        return (side[:, :, None] != side[:, None, :])[:, None]

    def forward(self, x: Tensor) -> Tensor:
        _, height, width, channels = x.shape
        x = F.pad(x, (0, 0, 0, -width % self.window, 0, -height % self.window))
        padded = x.shape[1:3]
        # One window over the whole map is not shifted, but in dense networks.
        shift = self.shift if self.dense or min(padded) > self.window else 0
        if shift:
            x = x.roll((-shift, -shift), (1, 2))
        qkv = self.windows(self.qkv(x))
        b, count, n, _ = qkv.shape
        q, k, v = qkv.view(b, count, n, 3, self.heads, -1).permute(3, 0, 1, 4, 2, 5)
        bias = self.relative_position_bias_table[self.bias_index].permute(2, 0, 1)
        scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + bias
        hidden = self.mask(*padded) if shift else None
        if hasattr(self, "key_norm"):
            weights = self.key_norm(scores, hidden)
        else:
            weights = (scores if hidden is None else scores.masked_fill(hidden, -100.0)).softmax(-1)
        y = (weights @ v).transpose(2, 3).reshape(b, count, n, channels)
        y = y.view(b, padded[0] // self.window, padded[1] // self.window, self.window, self.window, channels)
        y = y.permute(0, 1, 3, 2, 4, 5).reshape(b, *padded, channels)
        if shift:
            y = y.roll((shift, shift), (1, 2))
        return self.proj(y[:, :height, :width])


class DepthwiseAttention(nn.Module):
    """Every channel weighs the K x K neighbours of a position for itself."""

    def __init__(self, channels: int, kernel: int, norm: str) -> None:
        super().__init__()
        self.kernel = kernel
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        self.channel_scale = nn.Parameter(torch.ones(channels))
        self.position_bias = nn.Parameter(torch.zeros(channels, kernel, kernel))
        nn.init.trunc_normal_(self.position_bias, std=0.02)
        if norm == "relu-norm":
            self.key_norm = KeyNorm(channels, kernel * kernel)

    def forward(self, x: Tensor) -> Tensor:
        b, height, width, channels = x.shape
        q, k, v = self.qkv(x).permute(0, 3, 1, 2).chunk(3, dim=1)
        # [B, C, K*K neighbours, positions], zeros outside
        k, v = (F.unfold(part, self.kernel, padding=self.kernel // 2).view(b, channels, -1, height * width)
                for part in (k, v))
        q = (q * self.channel_scale[:, None, None]).flatten(2)[:, :, None]
        scores = (q * k + self.position_bias.flatten(1)[:, :, None]).transpose(2, 3)
        weights = self.key_norm(scores) if hasattr(self, "key_norm") else scores.softmax(-1)
        y = (weights * v.transpose(2, 3)).sum(-1)
        return self.proj(y.view(b, channels, height, width).permute(0, 2, 3, 1))


class Block(nn.Module):
    def __init__(self, attention: nn.Module, channels: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attn = attention
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Mlp(channels, hidden)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Stage(nn.Module):
    def __init__(self, stage: int, config: TransformerConfig) -> None:
        super().__init__()
        channels = config.embed * 2 ** stage
        side = config.input // (config.patch * 2 ** stage)
        window = config.window if config.dense else min(config.window, side)

        def attention(block: int) -> nn.Module:
            if stage < config.depthwise_stages:
                return DepthwiseAttention(channels, config.window, config.norm)
            shift = window // 2 if block % 2 and (config.dense or side > window) else 0
            return WindowAttention(channels, config.heads[stage], window, shift, config.norm, config.dense)

        self.blocks = nn.ModuleList(
            Block(attention(block), channels, config.mlp_ratio * channels) for block in range(config.depths[stage]))
        self.downsample = Downsample(channels) if stage + 1 < len(config.depths) else None

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        if self.downsample is None:
            return x
        return self.downsample(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


class Transformer(nn.Module):
    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed(config.embed, config.patch)
        self.layers = nn.ModuleList(Stage(stage, config) for stage in range(len(config.depths)))
        features = config.embed * 2 ** (len(config.depths) - 1)
        self.norm = nn.LayerNorm(features)
        self.head = nn.Linear(features, config.classes)
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch_embed(x).permute(0, 2, 3, 1)
        for stage in self.layers:
            x = stage(x)
        return self.head(self.norm(x).mean(dim=(1, 2)))
