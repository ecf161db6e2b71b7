#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes timm-swin.safetensors, a tiny Swin with seeded weights, and timm-swin-logits.safetensors: what timm
1.0.31 makes of it at sizes that its windows do not cut evenly.

Run it with a Python that has torch, timm and safetensors; it writes beside itself. The input of a size is
value(i) = i * 7 % 23 / 11 - 1 over the elements of 3 x height x width. Logits are called WIDTHxHEIGHT, with
"-always" behind it where always_partition is set.
"""

import pathlib

import torch
from safetensors.torch import save_file
from timm.models.swin_transformer import SwinTransformer

HERE = pathlib.Path(__file__).parent
# Width and height; the smallest map of 4 x 4 windows is 4 x 4.
SIZES = [(16, 16), (18, 18), (20, 16), (16, 20), (22, 22), (26, 18), (24, 30), (30, 30), (34, 18), (16, 40), (38, 38),
         (50, 22), (32, 32)]
SMALLER = [(8, 8), (12, 20), (10, 6)]  # windows reach beyond maps


def swin(width, height, always):
    return SwinTransformer(img_size=(height, width), patch_size=2, window_size=4, embed_dim=8, depths=(2, 2),
                           num_heads=(1, 2), num_classes=5, mlp_ratio=2.0, always_partition=always).eval()


def values(width, height):
    i = torch.arange(3 * width * height)
    return (i * 7 % 23 / 11 - 1).reshape(1, 3, height, width)


torch.manual_seed(1)
state = {}
for name, tensor in swin(16, 16, False).state_dict().items():
    spread = 0.1 if tensor.ndim == 1 else 1.0 if name.endswith("bias_table") else tensor[0].numel() ** -0.5
    state[name] = torch.randn(tensor.shape) * spread + (1 if name.endswith("norm.weight") else 0)
save_file(state, HERE / "timm-swin.safetensors")

logits = {}
for always in (False, True):
    for width, height in SIZES + (SMALLER if always else []):
        network = swin(width, height, always)
        network.load_state_dict(state)
        with torch.no_grad():
            logits[f"{width}x{height}" + ("-always" if always else "")] = network(values(width, height))[0]
save_file(logits, HERE / "timm-swin-logits.safetensors")
