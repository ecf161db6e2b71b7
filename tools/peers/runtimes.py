# SPDX-License-Identifier: Apache-2.0
"""Runs a model in another runtime: runtimes.py RUNTIME MODEL PICTURES.npy [--threads N] --seconds S | --marks N

Prints a line of JSON: the runtime's version, the median of the runs' milliseconds, and what the network made of the
first picture. Needs NumPy and the runtime alone, so that it also runs in an emulated Arm's Python. Pictures are
[count, 3, N, N] in float32. With --marks there are N runs, and the program calls getsid before each and after the last,
which a plugin of the emulator sees.
"""
from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import statistics
import time

import numpy as np


def onnxruntime(model, picture, threads):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: picture}
    return lambda: session.run(None, feed)[0]


def openvino(model, picture, threads):
    import openvino as ov
    compiled = ov.Core().compile_model(model, "CPU", {
        "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"})
    request = compiled.create_infer_request()
    return lambda: request.infer([picture])[compiled.output(0)]


def mnn(model, picture, threads):
    import MNN
    interpreter = MNN.Interpreter(model)
    session = interpreter.createSession({
        "backend": "CPU", "numThread": threads, "precision": os.environ.get("MNN_PRECISION", "high")})
    into, out = interpreter.getSessionInput(session), interpreter.getSessionOutput(session)
    host = MNN.Tensor(picture.shape, MNN.Halide_Type_Float, picture, MNN.Tensor_DimensionType_Caffe)
    zeros = np.zeros(out.getShape(), np.float32)
    back = MNN.Tensor(zeros.shape, MNN.Halide_Type_Float, zeros, MNN.Tensor_DimensionType_Caffe)

    def run():
        into.copyFrom(host)
        interpreter.runSession(session)
        out.copyToHostTensor(back)
        return np.array(back.getData())
    return run


def litert(model, picture, threads):
    from ai_edge_litert.interpreter import Interpreter
    interpreter = Interpreter(model_path=model, num_threads=threads)
    interpreter.allocate_tensors()
    into, out = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    pixels = np.ascontiguousarray(picture.transpose(0, 2, 3, 1))
    if into["dtype"] != np.float32:
        scale, zero = into["quantization"]
        pixels = np.clip(np.round(pixels / scale + zero), -128, 127).astype(into["dtype"])

    def run():
        interpreter.set_tensor(into["index"], pixels)
        interpreter.invoke()
        return interpreter.get_tensor(out["index"])
    return run


def executorch(model, picture, threads):
    import torch
    from executorch.runtime import Runtime
    # Its pool has a thread for each processor that it may run on.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    method = Runtime.get().load_program(model).load_method("forward")
    tensor = torch.from_numpy(picture)
    return lambda: method.execute([tensor])[0].numpy()


RUNTIMES = {"onnxruntime": onnxruntime, "openvino": openvino, "mnn": mnn, "litert": litert, "executorch": executorch}
DISTRIBUTIONS = {"litert": "ai-edge-litert", "mnn": "MNN"}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("runtime", choices=RUNTIMES)
    parser.add_argument("model")
    parser.add_argument("pictures")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--marks", type=int)
    args = parser.parse_args()
    run = RUNTIMES[args.runtime](args.model, np.load(args.pictures)[:1], args.threads)
    run()
    result = run()
    milliseconds: list[float] = []
    if args.marks:
        for _ in range(args.marks):
            os.getsid(0)
            run()
        os.getsid(0)
    else:
        while len(milliseconds) < 5 or sum(milliseconds) < 1000 * args.seconds:
            start = time.perf_counter()
            run()
            milliseconds.append(1000 * (time.perf_counter() - start))
    print(json.dumps({
        "version": importlib.metadata.version(DISTRIBUTIONS.get(args.runtime, args.runtime)),
        "median_ms": statistics.median(milliseconds) if milliseconds else None,
        "result": np.asarray(result, np.float32).ravel().tolist()}), flush=True)


if __name__ == "__main__":
    main()
