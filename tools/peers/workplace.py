# SPDX-License-Identifier: Apache-2.0
"""What a comparison needs: the runtimes in a virtual environment, lvt's programs, the models; all of it in .build/peers."""
from __future__ import annotations

import subprocess
import sys
import venv
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


def prepare(name: str, checkpoint: Path | None, size: int, plan_options: list[str], planner: Path) -> tuple[Path, Path]:
    """A network's folder, its checkpoint and plan made unless they are there; the folder and the checkpoint."""
    folder = BUILD / "models" / name
    folder.mkdir(parents=True, exist_ok=True)
    if checkpoint is None:
        checkpoint = folder / "random.safetensors"
        if not checkpoint.exists():
            say(f"makes {name} with random weights")
            run(PYTHON, TRAIN / "random_checkpoint.py", *NETWORKS[name].arguments(), "--output", checkpoint)
    # Plans are made anew: what is compared is this tree's.
    say(f"plans {name}")
    run(planner, checkpoint, "--calibrate", ROOT / "tools/demo/scenes-calibration", "--input", str(size), *plan_options,
        "-o", folder / "lvt.lvt")
    return folder, checkpoint


def model(runtime: str, folder: Path, checkpoint: Path, size: int) -> Path:
    """A runtime's model of the network, made unless it is there and younger than the checkpoint."""
    path = folder / f"{runtime}{ENDINGS[runtime]}"
    if not path.exists() or path.stat().st_mtime < checkpoint.stat().st_mtime:
        install(runtime)
        say(f"converts {folder.name} for {runtime}")
        run(PYTHON, Path(__file__).with_name("models.py"), runtime, checkpoint.resolve(), str(size), folder)
    return path
