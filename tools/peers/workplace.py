# SPDX-License-Identifier: Apache-2.0
"""What a comparison needs: the runtimes in a virtual environment, lvt's programs, the models; all of it in .build/peers."""
from __future__ import annotations

import subprocess
import sys
import venv
from hashlib import sha256
from pathlib import Path

from networks import NETWORKS, TRAIN

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build" / "peers"
PYTHON = BUILD / "venv" / "bin" / "python"

#: Of each runtime what pip installs, and what its model is called.
PACKAGES = {
    "onnxruntime": ["onnxruntime", "onnx", "sympy"],
    "openvino": ["openvino", "nncf", "onnx", "onnxruntime", "sympy"],
    "mnn": ["MNN", "onnx", "onnxruntime", "sympy"],
    "litert": ["litert-torch", "ai-edge-litert", "ai-edge-quantizer"],
    "executorch": ["executorch", "torchao"],
}
ENDINGS = {"onnxruntime": ".onnx", "openvino": ".xml", "mnn": ".mnn", "litert": ".tflite", "executorch": ".pte"}


class Failure(Exception):
    """A line for people."""


def run(*command: str | Path, **options) -> str:
    """What a program prints; a Failure with its last line if it fails."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          errors="replace", **options)
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise Failure(f"{Path(str(command[0])).name} {Path(str(command[1])).name}: exit {done.returncode}: "
                      + (lines[-1].strip()[:200] if lines else ""))
    return done.stdout


def say(text: str) -> None:
    print(f"peers: {text}", file=sys.stderr, flush=True)


def install(runtime: str) -> None:
    """A runtime's packages, once."""
    done = BUILD / "venv" / f".{runtime}"
    if done.exists():
        return
    if not PYTHON.exists():
        venv.create(BUILD / "venv", with_pip=True)
    say(f"installs {runtime}")
    run(PYTHON, "-m", "pip", "install", "--quiet", "numpy", "torch", "pillow", *PACKAGES[runtime])
    done.touch()


def programs() -> tuple[Path, Path]:
    """lvt-plan and lvt-infer of this tree."""
    run(ROOT / "tools/install", "build")
    for product in ("lvt-plan", "lvt-infer"):
        run("swift", "build", "-c", "release", "--product", product, cwd=ROOT)
    folder = Path(run("swift", "build", "-c", "release", "--show-bin-path", cwd=ROOT).strip())
    return folder / "lvt-plan", folder / "lvt-infer"


def is_current(made: Path, *sources: Path) -> bool:
    """Whether a file is there and younger than what it is made of."""
    return made.exists() and all(made.stat().st_mtime > source.stat().st_mtime for source in sources)


def prepare(name: str, checkpoint: Path | None, size: int, residual: str, planner: Path) -> tuple[Path, Path]:
    """A network's checkpoint and plan, made unless they are there."""
    # Two checkpoints may have one name.
    mark = "-" + sha256(str(checkpoint.resolve()).encode()).hexdigest()[:8] if checkpoint else ""
    folder = BUILD / "models" / (name + mark)
    folder.mkdir(parents=True, exist_ok=True)
    if checkpoint is None:
        checkpoint = folder / "random.safetensors"
        if not checkpoint.exists():
            say(f"makes {name} with random weights")
            run(PYTHON, TRAIN / "random_checkpoint.py", *NETWORKS[name].arguments(), "--output", checkpoint)
    plan = folder / f"{residual}.lvt"
    if not is_current(plan, checkpoint, planner):
        say(f"plans {name}")
        run(planner, checkpoint, "--calibrate", ROOT / "tools/demo/scenes-calibration", "--input", str(size),
            "--residual", residual, "-o", plan)
    return checkpoint, plan


def model(runtime: str, folder: Path, checkpoint: Path, size: int) -> Path:
    """A runtime's model of the network, made unless it is there."""
    path = folder / f"{runtime}{ENDINGS[runtime]}"
    if not is_current(path, checkpoint):
        say(f"converts {folder.name} for {runtime}")
        # The float network and its results may be another checkpoint's.
        if not is_current(folder / "result.json", checkpoint):
            for name in ("float.onnx", "pictures.npy", "result.json"):
                (folder / name).unlink(missing_ok=True)
        run(PYTHON, Path(__file__).with_name("models.py"), runtime, checkpoint.resolve(), str(size), folder)
    return path
