# SPDX-License-Identifier: Apache-2.0
"""Training and testing of networks that find boxes or masks or label pixels: all of `train.py --task` but classify."""
from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from types import ModuleType
from typing import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import boxes
import dense
from dense_data import IGNORED, Changes, Samples, normalise, read_boxes, read_label_maps
from schedule import learning_rate, parameter_groups
from weights import check_name, read_weights, write_weights

BATCH = 20


def read(args: argparse.Namespace, path: Path, limit: int | None = None) -> Samples:
    if args.task == "detect":
        return read_boxes(path, args.input, limit)
    if args.task == "instances":
        return read_boxes(path, args.input, limit, instances().read_mask)
    return read_label_maps(path, args.input, args.classes, limit)


def instances() -> ModuleType:
    """What needs torchvision and pycocotools, as the other tasks do not."""
    import instances
    return instances


def settle(args: argparse.Namespace) -> None:
    """Makes the input two numbers, and looks at what can be wrong before anything is read."""
    if args.data is None:
        raise ValueError(f"--task {args.task} needs --data")
    if isinstance(args.input, int):
        args.input = (args.input, args.input)
    if isinstance(args.classes, int) or args.task != "segment" and args.classes:
        raise ValueError("--classes: segmentation has a file of names, the others have those of the JSON")
    args.head = args.head or dense.HEADS[args.task][0]


def build(args: argparse.Namespace, samples: Samples) -> nn.Module:
    return dense.build(argparse.Namespace(**{**vars(args), "classes": len(samples.names)}))


def start_from(model: nn.Module, path: Path) -> int:
    """Takes the tensors of a checkpoint that the network has too, the backbone's also from a classification network."""
    state = model.state_dict()
    taken = 0
    for name, tensor in read_weights(path).items():
        for known in (name, f"backbone.{name}"):
            if known in state and state[known].shape == tensor.shape:
                state[known] = tensor
                taken += 1
                break
    if not taken:
        raise ValueError(f"{path}: no tensor is of this network")
    model.load_state_dict(state)
    return taken


def class_weights(samples: Samples) -> Tensor:
    """Rare classes weigh more, or a network would long find nothing but ground: 1 / log(1.1 + share), as in ENet."""
    known = samples.labels[samples.labels != IGNORED].long()
    share = torch.bincount(known, minlength=len(samples.names)) / len(known)
    weights = 1 / torch.log(1.1 + share)
    return weights / (weights * share).sum()


def loss_of(model: nn.Module, samples: Samples, weights: Tensor, index: Tensor, args: argparse.Namespace,
            random: torch.Generator) -> Tensor:
    changes = Changes(len(index), args.zoom, random)
    x = changes.pictures(samples.pictures[index], args.jitter).contiguous(memory_format=torch.channels_last)
    width, height = args.input
    if args.task == "segment":
        logits = dense.bilinear(model(x), (height, width))
        return F.cross_entropy(logits, changes.label_maps(samples.labels[index]), weights, ignore_index=IGNORED)
    truth, labels = changes.boxes(samples.boxes[index], samples.labels[index], width, height)
    if args.task == "detect":
        return boxes.loss(model(x), truth, labels, len(samples.names))
    masks = changes.masks(instances().unpack(samples.masks[index], width))
    return instances().loss(model, x, truth, labels, masks)


def batches(samples: Samples) -> Iterator[Tensor]:
    for begin in range(0, len(samples), BATCH):
        yield normalise(samples.pictures[begin:begin + BATCH]).contiguous(memory_format=torch.channels_last)


def test(model: nn.Module, samples: Samples, path: Path, args: argparse.Namespace) -> dict[str, list[float]]:
    """Of each measure, the task's own one first, a score for each class; NaN for what does not occur.

    AP50 is AP at an overlap of 0.5, mIoU intersection over union. `path` is what the samples were read from.
    """
    model.eval()
    width, height = args.input
    count = len(samples.names)
    if args.task == "instances":
        return instances().test(model, samples, path, args.input, batches(samples))
    with torch.inference_mode():
        if args.task == "detect":
            found = [one for x in batches(samples) for one in boxes.detect(model(x), count, width, height)]
            there = samples.labels >= 0
            return {"AP50": boxes.average_precision(found, [b[t] for b, t in zip(samples.boxes, there)],
                                                    [n[t] for n, t in zip(samples.labels, there)], count)}
        confusion = torch.zeros(count, count, dtype=torch.int64)
        for x, labels in zip(batches(samples), samples.labels.split(BATCH)):
            guess = dense.bilinear(model(x), (height, width)).argmax(dim=1)
            known = labels != IGNORED
            pairs = labels[known].long() * count + guess[known]
            confusion += torch.bincount(pairs, minlength=count * count).view(count, count)
    both = confusion.diag().double()
    return {"mIoU": (both / (confusion.sum(0) + confusion.sum(1) - both)).tolist()}


def mean(scores: list[float]) -> float:
    known = [score for score in scores if not math.isnan(score)]
    return sum(known) / len(known)


def save(model: nn.Module, names: list[str], args: argparse.Namespace, metadata: dict[str, str]) -> None:
    state = model.state_dict()
    if args.half:
        state = {name: x.half() if x.is_floating_point() else x for name, x in state.items()}
    write_weights(args.output, state, {"task": args.task, "family": args.family, "head": args.head,
                                       "input": f"{args.input[0]}x{args.input[1]}", **metadata}, names)


def train(args: argparse.Namespace) -> None:
    check_name(args.output)
    settle(args)
    random = torch.Generator().manual_seed(args.seed)
    samples = read(args, args.data, args.limit)
    tests = read(args, args.test) if args.test else None
    if tests and tests.names != samples.names:
        raise ValueError(f"{args.test}: other classes than {args.data}")
    if len(samples) < 2 or args.batch < 2:
        raise ValueError("BatchNorm needs 2 pictures at least, and a --batch of 2")
    model = build(args, samples)
    print(f"{args.family}, {args.head}: {sum(p.numel() for p in model.parameters())} parameters, "
          f"{len(samples)} pictures, {len(samples.names)} classes", flush=True)
    if args.start:
        print(f"{args.start}: {start_from(model, args.start)} tensors taken", flush=True)
    model = model.to(memory_format=torch.channels_last)
    labels = args.output.with_suffix(".labels.txt")
    labels.write_text("".join(f"{name}\n" for name in samples.names))

    weights = class_weights(samples) if args.task == "segment" else torch.empty(0)
    optimizer = torch.optim.AdamW(parameter_groups(model, args.decay), lr=args.lr)
    batch = min(args.batch, len(samples))
    per_epoch = len(samples) // batch
    steps = per_epoch * args.epochs
    warmup = max(1, min(per_epoch, steps // 10))
    step = 0
    begin = time.monotonic()
    for epoch in range(1, args.epochs + 1):
        model.train()
        order = torch.randperm(len(samples), generator=random)
        total = 0.0
        for index in order[:per_epoch * batch].view(per_epoch, batch):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, steps, warmup, args.lr)
            loss = loss_of(model, samples, weights, index, args, random)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            total += loss.item()
            step += 1
        if not math.isfinite(total):
            raise ValueError(f"the loss is not finite in epoch {epoch}; a smaller --lr may help")
        metadata = {"epoch": str(epoch)}
        text = ""
        if tests:
            scores = {measure: mean(some) for measure, some in test(model, tests, args.test, args).items()}
            metadata |= {measure: f"{score:.4f}" for measure, score in scores.items()}
            text = "".join(f", {measure} {100 * score:.2f} %" for measure, score in scores.items())
        save(model, samples.names, args, metadata)
        print(f"epoch {epoch}/{args.epochs}: loss {total / per_epoch:.4f}{text}, "
              f"{time.monotonic() - begin:.0f} s", flush=True)


def evaluate(args: argparse.Namespace) -> None:
    """Prints the classes' scores of a checkpoint, and their mean."""
    settle(args)
    samples = read(args, args.data)
    model = build(args, samples)
    model.load_state_dict(read_weights(args.model), strict=True)
    for measure, scores in test(model.to(memory_format=torch.channels_last), samples, args.data, args).items():
        for name, score in zip(samples.names, scores):
            print(f"{name}: {100 * score:.2f} %")
        print(f"{measure} {100 * mean(scores):.2f} % on {len(samples)} pictures")
