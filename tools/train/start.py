# SPDX-License-Identifier: Apache-2.0
"""Starting from a published checkpoint: what network it is, and which of its tensors are taken.

Works on names and shapes alone, so that its tests need neither PyTorch nor a checkpoint (`test_start.py`).
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Sequence

Shapes = Mapping[str, Sequence[int]]

PREFIXES = ("module.", "_orig_mod.", "backbone.", "encoder.", "model.")
IGNORED = ("relative_position_index", "attn_mask")
"""Tensors that say nothing that the extents do not."""


@dataclass(frozen=True)
class Extents:
    """What `families.py` needs to build the network of a checkpoint."""
    family: str
    embed: int
    depths: list[int]
    heads: list[int] | None = None
    window: int | None = None
    group_channels: int | None = None


@dataclass(frozen=True)
class Taken:
    """What becomes of a checkpoint's tensors."""
    names: dict[str, str]
    """The network's name of each tensor that is taken, by the checkpoint's name."""
    head: bool
    """Whether the head is taken, too."""
    others: list[str]
    """Tensors of the checkpoint that the network has not."""
    missing: list[str]
    """Tensors of the network that begin as they would without a checkpoint, but those of its head."""


def own_names(names: Sequence[str]) -> dict[str, str]:
    """Names as `families.py` has them, by the checkpoint's: without wrappings; timm's Swin under its own code's names."""
    stripped = {name: name for name in names}
    changed = True
    while changed:
        changed = False
        for prefix in PREFIXES:
            if any(short.startswith(prefix) for short in stripped.values()):
                stripped = {name: short.removeprefix(prefix) for name, short in stripped.items()}
                changed = True
    is_timm = any(short.startswith("head.fc.") for short in stripped.values())
    return {name: timm_name(short) if is_timm else short for name, short in stripped.items()}


def timm_name(name: str) -> str:
    """timm has the downsampling in front of a stage, the published code behind the one before."""
    parts = name.split(".")
    if parts[0] == "head" and parts[1] == "fc":
        del parts[1]
    if parts[0] == "layers" and parts[2] == "downsample":
        parts[1] = str(int(parts[1]) - 1)
    return ".".join(parts)


def recognise(shapes: Shapes) -> Extents:
    """The network with tensors of these names and shapes, which are own names."""
    stages = "stages" if any(name.startswith("stages.") for name in shapes) else "layers"
    depths: list[int] = []
    while any(name.startswith(f"{stages}.{len(depths)}.blocks.") for name in shapes):
        start = f"{stages}.{len(depths)}.blocks."
        depths.append(1 + max(int(name[len(start):].split(".")[0]) for name in shapes if name.startswith(start)))
    first = f"{stages}.0.blocks.0."
    table = f"{first}attn.relative_position_bias_table"
    if stages == "stages" and f"{first}pos_embed.weight" in shapes:
        return Extents("dilateformer", shapes[f"{first}pos_embed.weight"][0], depths)
    if f"{first}attn2conv.conv.conv1.0.weight" in shapes:
        embed = shapes["patch_embed.proj.weight"][0]
        # The filters are not in the shapes' names; the published ones are 7 x 7.
        taps = shapes[f"{first}attn2conv.conv.conv2.0.weight"][0]
        groups = taps // 49
        if groups * 49 != taps or groups == 0 or embed % groups:
            raise ValueError(f"expected filters of 7 × 7, found {taps} of their values")
        return Extents("inhomogeneous_dwnet", embed, depths, window=7, group_channels=embed // groups)
    if f"{first}attn2conv.conv.conv2.weight" in shapes:
        embed = shapes["patch_embed.proj.weight"][0]
        taps = shapes[f"{first}attn2conv.conv.conv2.weight"][0] // embed
        return Extents("dynamic_dwnet", embed, depths, window=round(taps ** 0.5))
    if f"{first}attn2conv.conv.weight" in shapes:
        return Extents("dwnet", shapes["patch_embed.proj.weight"][0], depths,
                       window=shapes[f"{first}attn2conv.conv.weight"][2])
    if table in shapes and f"{first}attn.key_norm.weight" not in shapes:
        heads = [shapes[f"layers.{stage}.blocks.0.attn.relative_position_bias_table"][1]
                 for stage in range(len(depths))]
        return Extents("swin", shapes["patch_embed.proj.weight"][0], depths, heads=heads,
                       window=(round(shapes[table][0] ** 0.5) + 1) // 2)
    raise ValueError("expected the tensors of a DWNet, a Swin or a DilateFormer, found "
                     + (f"others, such as '{min(shapes)}'" if shapes else "none"))


def choose(checkpoint: Shapes, network: Shapes) -> Taken:
    """Which tensors of a checkpoint a network takes: those of equal names and shapes.

    The head is taken whole or not at all: of other classes it is no use.
    """
    names = {name: own for name, own in own_names(list(checkpoint)).items()
             if own.split(".")[-1] not in IGNORED}
    heads = [own for own in network if own.startswith("head.")]
    by_own = {own: name for name, own in names.items()}
    head = all(own in by_own and list(checkpoint[by_own[own]]) == list(network[own]) for own in heads)
    taken: dict[str, str] = {}
    others: list[str] = []
    for name, own in names.items():
        if own.startswith("head."):
            if head:
                taken[name] = own
        elif own in network and list(network[own]) == list(checkpoint[name]):
            taken[name] = own
        else:
            others.append(name)
    missing = [own for own in network if own not in taken.values() and own not in heads]
    return Taken(taken, head, others, missing)


def describe(taken: Taken) -> str:
    """A line or a few about it."""
    lines = [f"{len(taken.names)} tensors taken, the head "
             + ("among them" if taken.head else "not: it begins anew, for it is of other classes")]
    if taken.others:
        lines.append(f"{len(taken.others)} not taken, such as '{taken.others[0]}'")
    if taken.missing:
        lines.append(f"{len(taken.missing)} of the network not found, such as '{taken.missing[0]}'")
    return "; ".join(lines)
