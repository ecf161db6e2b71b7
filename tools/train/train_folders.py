# SPDX-License-Identifier: Apache-2.0
"""Training on pictures in folders named by class; `train.py --data FOLDER` comes here."""
from __future__ import annotations

import argparse
import math
import pickle
import shutil
import signal
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import start
from data import MEAN, STD
from dense_data import open_picture, to_bytes
from families import build
from folder_data import FILTERS, Training, as_input, mix, normalise, read, shrunk, why_not
from folders import READ_BY_PLAN, Picture, class_folders, keep_readable, list_pictures, split, spread
from schedule import learning_rate, parameter_groups
from weights import check_name, read_weights, write_weights

CALIBRATION = 128
"""Training pictures that a plan is calibrated with."""


class Stop:
    """Whether Ctrl-C or SIGTERM asked for an end. The second Ctrl-C ends at once."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.ask)

    def ask(self, number: int, _: object) -> None:
        self.asked = True
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        print("ends after this step; once more ends at once", flush=True)


def report(line: str) -> None:
    print(line, flush=True)


def load_start(args: argparse.Namespace) -> dict[str, Tensor]:
    """Reads --from, and makes the network's extents its own."""
    try:
        loaded = read_weights(args.start)
    except pickle.UnpicklingError:
        raise ValueError(f"{args.start}: holds more than tensors, which is not run; save its 'model' alone") from None
    state = {name: tensor for name, tensor in loaded.items() if isinstance(tensor, Tensor)}
    own = start.own_names(list(state))
    try:
        extents = start.recognise({own[name]: tensor.shape for name, tensor in state.items()})
    except ValueError as error:
        raise ValueError(f"{args.start}: {error}") from None
    args.family, args.embed, args.depths = extents.family, extents.embed, extents.depths
    for name in ("heads", "window", "group_channels"):
        if getattr(extents, name) is not None:
            setattr(args, name, getattr(extents, name))
    return state


def take(model: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    own = model.state_dict()
    taken = start.choose({name: tensor.shape for name, tensor in state.items()},
                         {name: tensor.shape for name, tensor in own.items()})
    report(f"{path}: {start.describe(taken)}")
    own.update({name: state[source].float() if state[source].is_floating_point() else state[source]
                for source, name in taken.names.items()})
    model.load_state_dict(own)


def top1(model: nn.Module, pictures: Tensor, labels: Tensor, device: torch.device, batch: int = 50) -> float:
    model.eval()
    right = 0
    with torch.inference_mode():
        for begin in range(0, len(pictures), batch):
            logits = model(normalise(pictures[begin:begin + batch].to(device)))
            right += int((logits.argmax(1).cpu() == labels[begin:begin + batch]).sum())
    return right / len(pictures)


def gather(args: argparse.Namespace, names: list[str]) -> tuple[list[Picture], Training, list[Picture], Tensor]:
    """Training and validation pictures, read."""
    begin = time.monotonic()
    training, validation = keep_readable(list_pictures(args.data, names), why_not, report), []
    if args.validation:
        validation = keep_readable(list_pictures(args.validation, names), why_not, report)
    else:
        training, validation = split(training, args.data, args.validation_share, args.seed)
    training, held = read(training[:args.limit], partial(shrunk, size=args.input), args.threads, report)
    validation, inputs = read(validation, partial(as_input, size=args.input, crop=args.crop,
                                                  how=FILTERS[args.interpolation]), args.threads, report)
    if len({picture.label for picture in training}) < 2 or not validation:
        raise ValueError(f"{args.data}: expected pictures of two classes at least, and some to validate with")
    report(f"{len(training)} pictures of {len(names)} classes to train on, {len(validation)} to validate with, "
           f"read in {time.monotonic() - begin:.0f} s")
    labels = [picture.label for picture in training]
    return (training, Training(held, labels, args.input, args.colour, args.seed, args.threads), validation,
            to_bytes(inputs))


def train(args: argparse.Namespace) -> None:
    check_name(args.output)
    for name, value, most in (("--validation-share", args.validation_share, 0.9), ("--crop", args.crop, 1)):
        if not 0 < value <= most:
            raise ValueError(f"{name}: expected more than 0 and at most {most}")
    if not 0 <= args.mix <= 1 or not 0 <= args.colour <= 1:
        raise ValueError("--mix, --colour: expected 0 to 1")
    if args.compile:
        find_planner(args.lvt_plan)
    names = class_folders(args.data)
    if len(names) < 2:
        raise ValueError(f"{args.data}: expected a folder for each of two classes at least, found {len(names)}")
    if args.classes not in (None, len(names)):
        raise ValueError(f"--classes: {args.data} has {len(names)}")
    args.classes = len(names)
    state = load_start(args) if args.start else None
    model = build(args)
    if state is not None:
        take(model, state, args.start)
    training, samples, validation, inputs = gather(args, names)
    known = torch.tensor([picture.label for picture in validation])
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = model.to(device, memory_format=torch.channels_last)
    report(f"{args.family}: {sum(p.numel() for p in model.parameters())} parameters, on {device.type}")
    args.output.with_suffix(".labels.txt").write_text("".join(f"{name}\n" for name in names))

    random = torch.Generator().manual_seed(args.seed)
    optimizer = torch.optim.AdamW(parameter_groups(model, args.decay), lr=args.lr)
    batch = min(args.batch, len(samples))
    per_epoch = len(samples) // batch
    steps = per_epoch * args.epochs
    warmup = max(1, min(per_epoch, steps // 10))
    stop = Stop()
    best: float | None = None
    step = 0
    begin = shown = time.monotonic()
    for epoch in range(1, args.epochs + 1):
        model.train()
        total, count = 0.0, 0
        order = torch.randperm(len(samples), generator=random)
        for index in order[:per_epoch * batch].view(per_epoch, batch):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, steps, warmup, args.lr)
            x, labels = samples.batch(index, epoch, random)
            x, targets = mix(x, labels, len(names), args.mix, random)
            loss = F.cross_entropy(model(normalise(x.to(device))), targets.to(device), label_smoothing=args.smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            total += loss.item()
            count += 1
            step += 1
            if not math.isfinite(total):
                raise ValueError(f"the loss is not finite in epoch {epoch}; a smaller --lr may help")
            if time.monotonic() - shown > 10:
                shown = time.monotonic()
                report(f"  step {step}/{steps}: {shown - begin:.0f} s")
            if stop.asked:
                break
        # What is left of an epoch that was not finished is of use only where there is nothing else.
        if stop.asked and best is not None:
            break
        accuracy = top1(model, inputs, known, device)
        better = best is None or accuracy > best
        if better:
            best = accuracy
            write_weights(args.output, model.state_dict(), {
                "family": args.family, "input": str(args.input), "top1": f"{accuracy:.4f}", "epoch": str(epoch)})
        report(f"epoch {epoch}/{args.epochs}: loss {total / count:.4f}, top-1 {100 * accuracy:.2f} %"
               + (", the best so far" if better else "") + f", {time.monotonic() - begin:.0f} s")
        if stop.asked:
            break
    report(f"{args.output}: top-1 {100 * (best or 0):.2f} % on the validation pictures, which chose it: on others it is "
           "a little less")
    if args.compile:
        compile_plan(args, training, validation, names)


# ---- The plan --------------------------------------------------------------------------------------------------------

def lay_out(pictures: Sequence[Picture], folder: Path, names: Sequence[str]) -> None:
    """Folders of classes with the pictures, as links, or as PNGs of what lvt-plan does not read."""
    for number, picture in enumerate(pictures):
        place = folder / names[picture.label]
        place.mkdir(parents=True, exist_ok=True)
        if picture.path.suffix.lower() in READ_BY_PLAN:
            (place / f"{number}{picture.path.suffix}").symlink_to(picture.path.absolute())
        else:
            open_picture(picture.path).save(place / f"{number}.png")


def find_planner(given: Path | None) -> str:
    built = Path(__file__).resolve().parents[2] / ".build" / "release" / "lvt-plan"
    found = given or (built if built.exists() else shutil.which("lvt-plan"))
    if not found:
        raise ValueError("--compile: lvt-plan is neither built nor in PATH; --lvt-plan names it")
    return str(found)


def plan_command(args: argparse.Namespace, calibration: Path, validation: Path) -> list[str]:
    def values(three: Sequence[float]) -> str:
        return ",".join(str(value) for value in three)
    command = [find_planner(args.lvt_plan), str(args.output), "--calibrate", str(calibration),
               "--pictures", str(CALIBRATION), "--evaluate", str(validation), "--input", str(args.input),
               "--labels", str(args.output.with_suffix(".labels.txt")), "--mean", values(MEAN), "--std", values(STD),
               "--crop", str(args.crop), "--interpolation", args.interpolation, "-o", str(args.compile)]
    if args.family == "dilateformer":
        command += ["--heads", ",".join(map(str, args.heads))]
    return command


def compile_plan(args: argparse.Namespace, training: list[Picture], validation: list[Picture],
                 names: list[str]) -> None:
    """Calls lvt-plan: training pictures calibrate, those of validation tell what int8 costs."""
    with tempfile.TemporaryDirectory() as folder:
        calibration, known = Path(folder) / "calibration", Path(folder) / "validation"
        lay_out(spread(training, CALIBRATION), calibration, names)
        lay_out(validation, known, names)
        command = plan_command(args, calibration, known)
        report(" ".join(command))
        status = subprocess.run(command).returncode
    if status != 0:
        raise ValueError(f"--compile: lvt-plan ended with {status}")
