# SPDX-License-Identifier: Apache-2.0
"""Trains a small network and writes its weights as safetensors, or as .pth.

--task classify   on your pictures; --data is a folder with a folder of pictures for each class, whose name it has.
                  Without --data on Fashion-MNIST, or --data is a folder with its idx files
--task detect     RetinaNet on your pictures; --data is a JSON file as COCO's, with the pictures' names relative to it
--task instances  Mask R-CNN or Cascade Mask R-CNN on the same, with masks; it needs torchvision and pycocotools
--task segment    UPerNet or semantic FPN on your pictures; --data is a folder with pictures/*.jpg and labels/*.png of
                  the same names, in which a pixel's value is its class and 255 is ignored; the classes' names are in
                  FOLDER/labels.txt or --classes

A line is printed for each epoch, with the score on the test pictures (--test, or Fashion-MNIST's 10,000) or on those
that validate. On folders of classes the weights written are those of the best epoch; otherwise always those of the
last one: picking by test score would flatter the number. But for Fashion-MNIST the classes' names are written beside
them, to NAME.labels.txt. Pictures are resized whole to the input for segmentation; for detection they keep their
shape, and the rest gets the mean colour.
"""
from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import dense
import train_dense
import train_folders
from data import DEFAULT_FOLDER, LABELS, MEAN, STD, load_split, resize_all
from families import add_arguments, add_dense_arguments, build
from schedule import learning_rate, parameter_groups
from weights import check_name, write_weights


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


DEFAULTS = {
    "classify": {"depths": [2, 2, 4, 2], "input": 64, "classes": len(LABELS), "data": DEFAULT_FOLDER,
                 "epochs": 12, "batch": 128, "lr": 2e-3},
    # What --data chooses: a folder of classes, without and with --from.
    "folders": {"depths": [2, 2, 4, 2], "input": 64, "classes": None, "epochs": 60, "batch": 32, "lr": 2e-3,
                "interpolation": "bilinear"},
    "start": {"depths": None, "input": 224, "classes": None, "epochs": 15, "batch": 32, "lr": 2e-4,
              "interpolation": "bicubic"},
    "detect": {"depths": [2, 2, 2, 1], "input": (192, 160), "epochs": 24, "batch": 16, "lr": 2e-3},
    "segment": {"depths": [2, 2, 2, 1], "input": (192, 160), "epochs": 24, "batch": 16, "lr": 2e-3},
    "instances": {"depths": [2, 2, 2, 1], "input": (192, 160), "epochs": 24, "batch": 16, "lr": 2e-3},
}


TASKS = ("classify", *dense.HEADS)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=TASKS, default="classify",
                        help="what the network does; classify")
    parser.add_argument("--data", type=Path, help="what to train on, by the task")
    parser.add_argument("--output", type=Path, required=True,
                        help="model.safetensors (or .pth), rewritten every epoch")
    add_arguments(parser, embed=24, depths=None, input=None, classes=None)
    training = parser.add_argument_group("training")
    training.add_argument("--epochs", type=int, help="Fashion-MNIST 12, folders of classes 60, with --from 15, otherwise 24")
    training.add_argument("--batch", type=int, help="Fashion-MNIST 128, folders of classes 32, otherwise 16")
    training.add_argument("--lr", type=float, help="the highest learning rate; 0.002, with --from for classes 0.0002")
    training.add_argument("--decay", type=float, default=0.05, help="weight decay of AdamW; 0.05")
    training.add_argument("--from", "--start", dest="start", type=Path, metavar="FILE", help="a checkpoint to begin with: "
                          "on folders of classes the network is this one's; otherwise its tensors are taken where names "
                          "and shapes agree, a classification network's as the backbone's")
    training.add_argument("--limit", type=int, help="train on so many pictures only, for a quick trial")
    training.add_argument("--threads", type=int, default=2, help="of PyTorch; 2")
    training.add_argument("--seed", type=int, default=0, help="of weights, order and random changes; 0")
    classification = parser.add_argument_group("classification")
    classification.add_argument("--smoothing", type=float, default=0.1, help="label smoothing")
    classification.add_argument("--shift", type=int, default=4, help="largest random shift, in input pixels")
    classification.add_argument("--erase", type=float, default=0.2,
                                help="share of pictures with a rectangle painted over")
    folders = parser.add_argument_group("training on folders of classes")
    folders.add_argument("--validation", type=Path, metavar="FOLDER", help="as --data: pictures to validate with; "
                         "without it some of --data's are")
    folders.add_argument("--validation-share", type=float, default=0.2, help="share of each class that validates; 0.2")
    folders.add_argument("--mix", type=float, default=0.5, help="share of the batches that are mixed, by mixup or cutmix; "
                         "0.5")
    folders.add_argument("--colour", type=float, default=0.3, help="largest change of brightness, contrast, saturation")
    folders.add_argument("--crop", type=float, default=0.875, help="to validate, and in the plan, the shorter edge is "
                         "resized to input / crop and the centre cut out; 1 resizes the whole picture")
    folders.add_argument("--interpolation", choices=["bilinear", "bicubic"], help="of the same; bilinear, with --from "
                         "bicubic")
    folders.add_argument("--compile", type=Path, metavar="PLAN", help="call lvt-plan at the end: the plan is calibrated "
                         "with training pictures and judged on those that validate")
    folders.add_argument("--lvt-plan", type=Path, metavar="PROGRAM", help="where it is, if not in .build/release or PATH")
    add_dense_arguments(parser)
    dense_training = parser.add_argument_group("training of detection, instances and segmentation")
    dense_training.add_argument("--test", type=Path, help="as --data: pictures to test with after every epoch")
    dense_training.add_argument("--zoom", type=float, default=1.3, help="pictures are scaled by 1 / zoom to zoom at random")
    dense_training.add_argument("--jitter", type=float, default=0.15, help="largest random change of brightness and contrast")
    dense_training.add_argument("--half", action="store_true", help="write the weights as float16")
    parser.set_defaults(**DEFAULTS[kind(parser.parse_known_args()[0])])
    return parser.parse_args()


def kind(args: argparse.Namespace) -> str:
    """Which of the defaults are meant."""
    if args.task != "classify" or args.data is None or list(args.data.glob("*-idx3-ubyte*")):
        return args.task
    return "start" if args.start else "folders"


def train_classifier(args: argparse.Namespace) -> None:
    check_name(args.output)
    if args.start or args.compile or args.validation:
        raise ValueError("--from, --validation, --compile: expected --data with a folder for each class")
    model = build(args).to(memory_format=torch.channels_last)
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


def main() -> None:
    args = parse()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    try:
        if args.task != "classify":
            train_dense.train(args)
        elif kind(args) == "classify":
            train_classifier(args)
        else:
            train_folders.train(args)
    except (ValueError, OSError) as error:
        raise SystemExit(f"train.py: {error}") from None


if __name__ == "__main__":
    main()
