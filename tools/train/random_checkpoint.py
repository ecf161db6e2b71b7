# SPDX-License-Identifier: Apache-2.0
"""Writes a network with random weights, for tests and timing where the answers do not matter.

Everything comes from --seed: the same seed, sizes and PyTorch version give the same file. With seed s the
weights are drawn from torch's generator seeded s, the calibration pictures from one seeded s + 1.
BatchNorm's running statistics are those of a forward pass over the random pictures, so activations keep a sane
range through the whole depth; gamma, beta and biases are drawn away from 1 and 0, so that folding them is tested.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from data import MEAN, STD
from families import add_arguments, build
from transformer import DepthwiseAttention, KeyNorm
from weights import write_weights


def randomise(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            fan_in = module.weight[0].numel()
            nn.init.normal_(module.weight, std=fan_in ** -0.5)
            if module.bias is not None:
                nn.init.normal_(module.bias, std=0.1)
        elif isinstance(module, (nn.BatchNorm2d, nn.LayerNorm)):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
        elif isinstance(module, KeyNorm):
            for parameter in (module.weight, module.bias):  # about 1 / keys
                parameter.data *= torch.empty_like(parameter).uniform_(0.5, 1.5)
        elif isinstance(module, DepthwiseAttention):
            nn.init.uniform_(module.channel_scale, 0.5, 1.5)
            nn.init.normal_(module.position_bias, std=0.5)


def random_pictures(count: int, size: int, random: torch.Generator) -> Tensor:
    """Blotches of several sizes around a colour, normalised as pictures are: white noise alone would average out."""
    x = torch.rand(count, 3, 1, 1, generator=random).expand(-1, -1, size, size)
    for cells in (3, 7, 17):
        noise = torch.randn(count, 3, cells, cells, generator=random)
        strength = 0.25 * torch.rand(count, 1, 1, 1, generator=random)
        x = x + strength * F.interpolate(noise, size=(size, size), mode="bilinear", align_corners=False)
    x = x + 0.03 * torch.randn(count, 3, size, size, generator=random)
    return (x.clamp(0, 1) - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


def calibrate(model: nn.Module, pictures: Tensor, batch: int = 16) -> None:
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the plain average over the batches, not a moving one
    model.train()
    with torch.no_grad():
        for part in pictures.split(batch):
            model(part)
    model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser, embed=32, depths=[2, 2, 6, 2], input=224, classes=1000)
    parser.add_argument("--pictures", type=int, default=32, help="random pictures for the BatchNorm statistics")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True, help="model.safetensors or model.pth")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    model = build(args)
    randomise(model)
    pictures = random_pictures(args.pictures, args.input, torch.Generator().manual_seed(args.seed + 1))
    calibrate(model, pictures)

    with torch.inference_mode():
        logits = model(pictures[:8])
    if not bool(torch.isfinite(logits).all()):
        raise SystemExit("the logits are not finite")
    metadata = {"family": args.family, "input": str(args.input), "seed": str(args.seed)}
    write_weights(args.output, model.state_dict(), metadata)
    print(f"{args.output}: {sum(p.numel() for p in model.parameters())} parameters, logits "
          f"{logits.mean():.3f} ± {logits.std():.3f}, between pictures ± {logits.std(0).mean():.3f}")


if __name__ == "__main__":
    main()
