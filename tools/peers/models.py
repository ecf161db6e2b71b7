# SPDX-License-Identifier: Apache-2.0
"""Makes a network's model for another runtime: models.py RUNTIME CHECKPOINT SIZE FOLDER

FOLDER gets the model, and of the first call the pictures that all are calibrated with, random ones, and the float
network's results.
"""
from __future__ import annotations

import argparse
import json
import logging
import sys
import warnings
from pathlib import Path

import numpy as np
import torch

from networks import TRAIN, load

PICTURES = 8


def pictures(folder: Path, size: int) -> np.ndarray:
    """[8, 3, N, N]"""
    path = folder / "pictures.npy"
    if not path.exists():
        sys.path.insert(0, str(TRAIN))
        from random_checkpoint import random_pictures
        np.save(path, random_pictures(PICTURES, size, torch.Generator().manual_seed(2)).numpy())
    return np.load(path)


def onnx(network, calibration: np.ndarray, folder: Path) -> str:
    """The float network, its constants folded, which other converters read."""
    from onnxruntime.quantization.shape_inference import quant_pre_process
    path = folder / "float.onnx"
    if not path.exists():
        exported = folder / "exported.onnx"
        torch.onnx.export(network, (torch.from_numpy(calibration[:1]),), str(exported), input_names=["x"],
                          output_names=["y"], opset_version=17, dynamo=False)
        quant_pre_process(str(exported), str(path), skip_symbolic_shape=True)
        exported.unlink()
    return str(path)


def onnxruntime(network, calibration, folder) -> None:
    """Static int8 in QDQ form: activations unsigned, weights signed and by channel."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Pictures(CalibrationDataReader):
        def __init__(self):
            self.left = list(calibration)

        def get_next(self):
            return {"x": self.left.pop()[None]} if self.left else None

    quantize_static(
        onnx(network, calibration, folder), str(folder / "onnxruntime.onnx"), Pictures(), per_channel=True,
        quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)


def openvino(network, calibration, folder) -> None:
    """Static int8 by NNCF. Of the preset "mixed": what the default one makes does not compile on Arm."""
    import nncf
    import openvino as ov
    logging.getLogger("nncf").setLevel(logging.ERROR)
    model = ov.Core().read_model(onnx(network, calibration, folder))
    data = nncf.Dataset([picture[None] for picture in calibration])
    quantized = nncf.quantize(model, data, subset_size=PICTURES, preset=nncf.QuantizationPreset.MIXED)
    ov.save_model(quantized, str(folder / "openvino.xml"), compress_to_fp16=False)


def mnn(network, calibration, folder) -> None:
    """Float: how precise is said when it runs."""
    from MNN.tools import mnnconvert
    source = onnx(network, calibration, folder)
    sys.argv = ["mnnconvert", "-f", "ONNX", "--modelFile", source, "--MNNModel", str(folder / "mnn.mnn"),
                "--bizCode", "lvt"]
    mnnconvert.main()


def litert(network, calibration, folder) -> None:
    """Every operation that it can in static int8."""
    import litert_torch
    from ai_edge_litert.interpreter import Interpreter
    from ai_edge_quantizer import quantizer, recipe
    last = np.ascontiguousarray(calibration.transpose(0, 2, 3, 1))
    path = folder / "litert-float.tflite"
    channels_last = litert_torch.to_channel_last_io(network, args=[0])
    litert_torch.convert(channels_last, (torch.from_numpy(last[:1]),)).export(str(path))
    key, signature = next(iter(Interpreter(str(path)).get_signature_list().items()))
    made = quantizer.Quantizer(str(path))
    made.load_quantization_recipe(recipe.static_wi8_ai8())
    ranges = made.calibrate({key: [{signature["inputs"][0]: picture[None]} for picture in last]})
    made.quantize(ranges).export_model(str(folder / "litert.tflite"), overwrite=True)


def executorch(network, calibration, folder) -> None:
    """Static int8 for XNNPACK, weights by channel."""
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer, get_symmetric_quantization_config)
    from executorch.exir import to_edge_transform_and_lower
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
    first = (torch.from_numpy(calibration[:1]),)
    prepared = prepare_pt2e(torch.export.export(network, first).module(), XNNPACKQuantizer().set_global(
        get_symmetric_quantization_config(is_per_channel=True)))
    for picture in calibration:
        prepared(torch.from_numpy(picture[None]))
    exported = torch.export.export(convert_pt2e(prepared), first)
    program = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()]).to_executorch()
    with open(folder / "executorch.pte", "wb") as file:
        program.write_to_file(file)


MAKERS = {"onnxruntime": onnxruntime, "openvino": openvino, "mnn": mnn, "litert": litert, "executorch": executorch}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("runtime", choices=MAKERS)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("size", type=int)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    calibration = pictures(args.folder, args.size)
    network = load(args.checkpoint, args.size)
    with torch.no_grad():
        result = network(torch.from_numpy(calibration[:1])).ravel().tolist()
        (args.folder / "result.json").write_text(json.dumps(result))
        MAKERS[args.runtime](network, calibration, args.folder)


if __name__ == "__main__":
    main()
