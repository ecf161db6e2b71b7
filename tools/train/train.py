# SPDX-License-Identifier: Apache-2.0
"""Trains a small network on Fashion-MNIST and writes its weights as safetensors.

Top-1 is printed for all 10,000 test pictures after every epoch. The weights written are always those of the
last epoch, never of the best one: picking by test score would flatter the number.
"""
from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from data import DEFAULT_FOLDER, LABELS, MEAN, STD, load_split, resize_all
from families import add_arguments, build
from weights import write_weights


def normalise(grey: Tensor) -> Tensor:
    """[B,H,W] bytes to the network's input: replicated to RGB, over 255, minus mean, over std."""
    mean = torch.tensor(MEAN).view(1, 3, 1, 1)
    std = torch.tensor(STD).view(1, 3, 1, 1)
    x = (grey[:, None].float() / 255 - mean) / std
    return x.contiguous(memory_format=torch.channels_last)


def augment(grey: Tensor, shift: int, erase: float, random: torch.Generator) -> Tensor:
    """Flips half of the pictures, shifts all by up to `shift` pixels, and paints a rectangle over some."""
    count, side, _ = grey.shape
    padded = F.pad(grey, (shift, shift, shift, shift))  # the data set's background is black, so are the borders
    steps = torch.arange(side)
    offsets = torch.randint(0, 2 * shift + 1, (2, count, 1), generator=random)
    rows = offsets[0] + steps
    flipped = torch.rand(count, 1, generator=random) < 0.5
    columns = offsets[1] + torch.where(flipped, side - 1 - steps, steps)
    grey = padded[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]

    sizes = side // 8 + (torch.rand(2, count, 1, generator=random) * (side // 3)).long()
    starts = (torch.rand(2, count, 1, generator=random) * (side - sizes)).long()
    inside = (steps >= starts) & (steps < starts + sizes)
    box = inside[0][:, :, None] & inside[1][:, None, :]
    box &= (torch.rand(count, 1, 1, generator=random) < erase)
    paint = torch.randint(0, 256, (count, 1, 1), generator=random, dtype=torch.uint8)
    return torch.where(box, paint, grey)


def top1(model: nn.Module, pictures: Tensor, labels: Tensor, batch: int = 250) -> float:
    model.eval()
    right = 0
    with torch.inference_mode():
        for begin in range(0, len(pictures), batch):
            logits = model(normalise(pictures[begin:begin + batch]))
            right += int((logits.argmax(1) == labels[begin:begin + batch]).sum())
    return right / len(pictures)


def parameter_groups(model: nn.Module, decay: float) -> list[dict]:
    """Biases and normalisation parameters are not decayed."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]


def learning_rate(step: int, steps: int, warmup: int, peak: float) -> float:
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / max(steps - warmup, 1)
    return peak * 0.5 * (1 + math.cos(math.pi * done))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser, embed=24, depths=[2, 2, 4, 2], input=64, classes=len(LABELS))
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--decay", type=float, default=0.05)
    parser.add_argument("--smoothing", type=float, default=0.1, help="label smoothing")
    parser.add_argument("--shift", type=int, default=4, help="largest random shift, in input pixels")
    parser.add_argument("--erase", type=float, default=0.2, help="share of pictures with a rectangle painted over")
    parser.add_argument("--limit", type=int, help="train on so many pictures only, for a quick trial")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--output", type=Path, required=True, help="model.safetensors (or .pth), rewritten every epoch")
    return parser.parse_args()


def main() -> None:
    args = parse()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    random = torch.Generator().manual_seed(args.seed)

    pictures, labels = load_split(args.data, train=True)
    pictures, labels = pictures[:args.limit], labels[:args.limit]
    # A second copy went through 112 pixels, as a picture stored larger does: the network must not care.
    copies = [resize_all(pictures, args.input), resize_all(resize_all(pictures, 112), args.input)]
    train = torch.from_numpy(np.stack(copies))
    train_labels = torch.from_numpy(labels.astype(np.int64))
    pictures, labels = load_split(args.data, train=False)
    test = torch.from_numpy(resize_all(pictures, args.input))
    test_labels = torch.from_numpy(labels.astype(np.int64))

    model = build(args).to(memory_format=torch.channels_last)
    print(f"{args.family}: {sum(p.numel() for p in model.parameters())} parameters", flush=True)
    optimizer = torch.optim.AdamW(parameter_groups(model, args.decay), lr=args.lr)
    per_epoch = len(train_labels) // args.batch
    steps = per_epoch * args.epochs
    warmup = min(per_epoch, steps // 10)

    step = 0
    start = time.monotonic()
    for epoch in range(1, args.epochs + 1):
        model.train()
        order = torch.randperm(len(train_labels), generator=random)
        total = 0.0
        for index in order[:per_epoch * args.batch].view(per_epoch, args.batch):
            copy = torch.randint(0, 2, (args.batch,), generator=random)
            x = normalise(augment(train[copy, index], args.shift, args.erase, random))
            loss = F.cross_entropy(model(x), train_labels[index], label_smoothing=args.smoothing)
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, steps, warmup, args.lr)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            total += loss.item()
            step += 1
            if step % 100 == 0:
                print(f"  step {step}/{steps}: {time.monotonic() - start:.0f} s", flush=True)
        accuracy = top1(model, test, test_labels)
        metadata = {"family": args.family, "input": str(args.input), "top1": f"{accuracy:.4f}", "epoch": str(epoch)}
        write_weights(args.output, model.state_dict(), metadata)
        print(f"epoch {epoch}/{args.epochs}: loss {total / per_epoch:.4f}, top-1 {100 * accuracy:.2f} %, "
              f"{time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
