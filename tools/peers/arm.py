# SPDX-License-Identifier: Apache-2.0
"""Counts the instructions of one inference on emulated Arm cores, of peers in their own wheels for Arm.

Their Python and C libraries are Debian's arm64 packages, unpacked without being run. Libraries look for the processor
in /proc and /sys, where the emulator would show this machine's: what they find in the unpacked folder is one core of
the kind that is emulated.
"""
from __future__ import annotations

import array
import json
import os
import re
import tempfile
import zipfile
from pathlib import Path

from table import Measurement, correlation, last_json
from workplace import BUILD, ROOT, Failure, run, say

HERE = Path(__file__).parent
TOP = BUILD / "arm"
FILES, SITE = TOP / "root", TOP / "site"

#: The part's number, its MIDR_EL1, and its features as Linux prints them.
CORES = {
    "cortex-a53": ("0xd03", "0x00000000410fd034", "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid"),
    "cortex-a76": ("0xd0b", "0x00000000414fd0b1", "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp "
                                                  "cpuid asimdrdm lrcpc dcpop asimddp"),
}
WHEELS = {
    "numpy": ["numpy", "flatbuffers", "packaging", "protobuf", "typing-extensions", "openvino-telemetry"],
    "onnxruntime": ["onnxruntime"], "openvino": ["openvino"], "mnn": ["MNN"], "litert": ["ai-edge-litert"],
    "executorch": ["executorch"],
}
HALF_FLOATS = "cortex-a76"


def unpack(site: str) -> None:
    """The aarch64 wheels of a runtime, once."""
    folder = SITE / site
    if (folder / ".done").exists():
        return
    say(f"fetches {site} for Arm")
    platforms = [f"manylinux_{glibc}_aarch64" for glibc in ("2_17", "2_27", "2_28", "2_31", "2_34", "2_35")]
    for package in WHEELS[site]:
        with tempfile.TemporaryDirectory() as fresh:
            options = [word for name in ("manylinux2014_aarch64", *platforms) for word in ("--platform", name)]
            run("python3", "-m", "pip", "download", "--quiet", "--dest", fresh, *options, "--python-version", "3.11",
                "--implementation", "cp", "--only-binary=:all:", "--no-deps", package)
            for wheel in Path(fresh).glob("*.whl"):
                zipfile.ZipFile(wheel).extractall(folder)
    (folder / ".done").touch()


def set_up() -> Path:
    """Debian's files for Arm and the plugin, once; the plugin."""
    run(ROOT / "tools/install", "estimate", "peers")
    if not (FILES / "usr/bin/python3.11").exists():
        say("unpacks Debian's packages for Arm")
        TOP.mkdir(parents=True, exist_ok=True)
        sources = [path for path in (Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*.sources"))
                   if path.exists()]
        run("mmdebstrap", "--quiet", "--mode=root", "--variant=extract", "--architectures=arm64",
            "--include=python3.11,libgomp1,libstdc++6", "bookworm", FILES, *sources[-1:])
    for name in ("possible", "present", "online"):
        path = FILES / "sys/devices/system/cpu" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("0\n")
    unpack("numpy")
    plugin = TOP / "marks.so"
    run("gcc", "-O2", "-shared", "-fPIC", "-o", plugin, HERE / "marks.c")
    return plugin


def executorch_program() -> Path:
    """The driver of ExecuTorch's C++ library."""
    program, library = TOP / "executorch", SITE / "executorch/executorch"
    run("aarch64-linux-gnu-g++", "-O2", "-std=c++17", "-DC10_USING_CUSTOM_GENERATED_MACROS", "-I", library / "include",
        "-I", library / "include/executorch/runtime/core/portable_type/c10", "-o", program, HERE / "executorch.cpp",
        "-L", library / "lib", "-Wl,--no-as-needed", "-lexecutorch", "-lexecutorch_backend_xnnpack",
        "-lexecutorch_kernels_optimized", "-lexecutorch_kernels_quantized", "-lexecutorch_threadpool",
        f"-Wl,-rpath,{library / 'lib'}")
    return program


def become(core: str) -> None:
    part, midr, features = CORES[core]
    (FILES / "proc").mkdir(exist_ok=True)
    (FILES / "proc/cpuinfo").write_text(
        f"processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: {features}\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
        f"CPU variant\t: 0x{midr[-6]}\nCPU part\t: {part}\nCPU revision\t: {midr[-1]}\n\n")
    folder = FILES / "sys/devices/system/cpu/cpu0/regs/identification"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "midr_el1").write_text(midr + "\n")


def emulate(core: str, plugin: Path, command: list, settings: dict[str, str]) -> tuple[int, str]:
    """The instructions of the last inference of a program, and what it printed."""
    counts = TOP / "counts.txt"
    environment = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1",
                   "OPENBLAS_NUM_THREADS": "1", **settings}
    printed = run("qemu-aarch64", "-L", FILES, "-cpu", core, "-plugin", f"{plugin},out={counts}", *command,
                  env=environment, timeout=1800)
    # The last mark is the program's end.
    marks = [int(line) for line in counts.read_text().split()][-4:-1]
    if len(marks) < 3:
        raise Failure(f"expected three marks, found {len(marks)}")
    return marks[2] - marks[1], printed


def peer(core: str, plugin: Path, runtime: str, model: Path, folder: Path,
         settings: dict[str, str]) -> tuple[int, list[float], str]:
    """Instructions, results and version."""
    unpack(runtime)
    if runtime == "executorch":
        raw, result = TOP / "picture.f32", TOP / "result.f32"
        header = (folder / "pictures.npy").read_bytes()
        edge = int(re.search(rb"'shape': \(\d+, 3, (\d+)", header)[1])
        start = 10 + int.from_bytes(header[8:10], "little")
        raw.write_bytes(header[start:start + 12 * edge * edge])
        count, _ = emulate(core, plugin, [executorch_program(), model, raw, str(edge), "2", result], settings)
        version = next(SITE.glob("executorch/executorch-*.dist-info")).name.split("-")[1].split(".dist")[0]
        return count, list(array.array("f", result.read_bytes())), version
    paths = {"PYTHONPATH": f"{SITE / runtime}:{SITE / 'numpy'}"}
    count, printed = emulate(core, plugin, [FILES / "usr/bin/python3.11", HERE / "runtimes.py", runtime, model,
                                            folder / "pictures.npy", "--marks", "2"], {**settings, **paths})
    found = last_json(printed)
    return count, found["result"], found["version"]


def measure_instructions(name: str, plan: Path, models: dict, versions: dict[str, str]) -> list[Measurement]:
    """Of lvt what tools/count-instructions says, of each peer one inference behind two others."""
    plugin, folder = set_up(), plan.parent
    reference = json.loads((folder / "result.json").read_text()) if models else []
    measurements = []
    for core in CORES:
        become(core)
        own = run(ROOT / "tools/count-instructions", plan, core)
        total = int(re.search(r"^\| total \| ([\d,]+)", own, re.MULTILINE)[1].replace(",", ""))
        measurements.append(Measurement(name, "lvt", core, [total / 1e6]))
        rows = [(runtime, runtime, {}) for runtime in models]
        if "mnn" in models and core == HALF_FLOATS:
            rows.append(("mnn", "mnn, float16", {"MNN_PRECISION": "low"}))
        for runtime, row, settings in rows:
            m = Measurement(name, row, core)
            measurements.append(m)
            try:
                if isinstance(models[runtime], Failure):
                    raise models[runtime]
                count, result, versions[runtime] = peer(core, plugin, runtime, models[runtime], folder, settings)
                m.rounds.append(count / 1e6)
                m.correlation = correlation(result, reference)
            except (Failure, ValueError) as error:
                m.failure = str(error)
    return measurements
