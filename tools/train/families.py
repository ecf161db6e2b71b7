# SPDX-License-Identifier: Apache-2.0
"""The networks that every script here knows, and the command line that chooses one."""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Callable

from torch import nn

from dilateformer import DilateFormer
from dwnet import DWNet, DWNetConfig
from transformer import Transformer, TransformerConfig


def is_dense(args: argparse.Namespace) -> bool:
    """Whether it is the backbone of a dense network that is wanted: `dense.py`."""
    return getattr(args, "dense", False)


def dwnet(kind: str) -> Callable[[argparse.Namespace], nn.Module]:
    def build(args: argparse.Namespace) -> nn.Module:
        config = DWNetConfig(args.embed, tuple(args.depths), args.window, args.classes, dynamic=kind == "dynamic",
                             group_channels=args.group_channels if kind == "inhomogeneous" else 0,
                             drop_path=args.drop_path, dense=is_dense(args))
        if not config.dense:
            config.check_input(args.input)
        return DWNet(config)
    return build


def transformer(depthwise: bool) -> Callable[[argparse.Namespace], nn.Module]:
    def build(args: argparse.Namespace) -> nn.Module:
        return Transformer(TransformerConfig(
            args.embed, tuple(args.depths), tuple(args.heads), args.window, args.classes, args.input,
            norm=args.attention_norm if depthwise else "softmax",
            depthwise_stages=args.depthwise_stages if depthwise else 0, dense=is_dense(args)))
    return build


def dilateformer(args: argparse.Namespace) -> nn.Module:
    return DilateFormer(args.embed, args.depths, args.heads, args.classes)


FAMILIES: dict[str, Callable[[argparse.Namespace], nn.Module]] = {
    "dwnet": dwnet("static"),
    "dynamic_dwnet": dwnet("dynamic"),
    "inhomogeneous_dwnet": dwnet("inhomogeneous"),
    "dilateformer": dilateformer,
    "swin": transformer(depthwise=False),
    "depthwise_vit": transformer(depthwise=True),
}


def edges(text: str) -> int | tuple[int, int]:
    """One edge of a square, or WIDTHxHEIGHT."""
    numbers = [int(part) for part in text.split("x")]
    if len(numbers) > 2 or min(numbers) < 1:
        raise ValueError
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


def class_count(text: str) -> int | Path:
    return int(text) if text.isdigit() else Path(text)


def add_arguments(parser: argparse.ArgumentParser, embed: int, depths: list[int] | None, input: int | None,
                  classes: int | None) -> None:
    """Adds the family and its sizes, with the defaults given."""
    sizes = parser.add_argument_group("network")
    sizes.add_argument("--family", choices=sorted(FAMILIES), default="dwnet")
    sizes.add_argument("--embed", type=int, default=embed, help="channels of the first stage")
    sizes.add_argument("--depths", type=int, nargs="+", default=depths, help="blocks of each stage")
    sizes.add_argument("--heads", type=int, nargs="+", default=[3, 6, 12, 24], help="attention heads of each stage")
    sizes.add_argument("--group-channels", type=int, default=3, help="channels of a group in the first stage "
                       "(inhomogeneous DWNet)")
    sizes.add_argument("--window", type=int, default=7, help="edge of a filter or an attention window")
    sizes.add_argument("--input", type=edges, default=input, metavar="N|WxH",
                       help="edge of the input in pixels; of dense networks also width and height")
    sizes.add_argument("--classes", type=class_count, default=classes, metavar="N|FILE",
                       help="how many classes; for segmentation a file with their names, one a line")
    sizes.add_argument("--drop-path", type=float, default=0.0, help="share of branches left out in training (DWNet)")
    sizes.add_argument("--attention-norm", choices=["softmax", "relu-norm"], default="relu-norm",
                       help="what makes weights of scores (depth-wise ViT)")
    sizes.add_argument("--depthwise-stages", type=int, default=2,
                       help="so many of the first stages have depth-wise attention (depth-wise ViT)")


def add_dense_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the sizes of what stands on the backbone of a dense network."""
    sizes = parser.add_argument_group("network for detection or segmentation")
    sizes.add_argument("--head", choices=["retina", "uper", "fpn", "mask", "cascade"],
                       help="retina for detection; for segmentation uper (default) or fpn; for instances mask (Mask "
                       "R-CNN, default) or cascade (Cascade Mask R-CNN)")
    sizes.add_argument("--channels", type=int, default=32, help="channels of pyramid and head")
    sizes.add_argument("--convs", type=int, default=2, help="convolutions in front of the last one of "
                       "RetinaNet or of a head of masks")
    sizes.add_argument("--fc", type=int, default=128, help="channels of the products of a head of boxes")


def build(args: argparse.Namespace) -> nn.Module:
    if not isinstance(args.input, int):
        raise ValueError("--input: a classification network's is a square, of one number")
    if not isinstance(args.classes, int):
        raise ValueError("--classes: a classification network has a number of them")
    return FAMILIES[args.family](args)
