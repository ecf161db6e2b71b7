# SPDX-License-Identifier: Apache-2.0
"""The functions of lvt.h, as ctypes calls them: without Python's global lock."""

import ctypes
from ctypes import POINTER, Structure, c_char_p, c_float, c_int32, c_size_t, c_uint8, c_uint64, c_void_p
from pathlib import Path

CLASSES, MAP, PIXEL_CLASSES, DETECTIONS, MASKS = range(5)
INHERITED, FASTEST, SHARED, PINNED = range(4)


class Options(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("threads", c_int32),
        ("affinity", c_int32),
        ("processors", c_char_p),
        ("isa", c_char_p),
        ("work", c_uint64),
    ]


class Frame(Structure):
    _fields_ = [
        ("bytes", c_void_p),
        ("byte_count", c_size_t),
        ("format", c_int32),
        ("width", c_int32),
        ("height", c_int32),
        ("stride", c_size_t),
        ("is_full_range", c_int32),
        ("matrix", c_int32),
    ]


class Candidate(Structure):
    _fields_ = [("index", c_int32), ("label", c_char_p), ("probability", c_float)]


class Detection(Structure):
    _fields_ = [
        ("index", c_int32),
        ("label", c_char_p),
        ("score", c_float),
        ("x", c_float),
        ("y", c_float),
        ("width", c_float),
        ("height", c_float),
    ]


class Output(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("kind", c_int32),
        ("type", c_int32),
        ("height", c_int32),
        ("width", c_int32),
        ("channels", c_int32),
        ("scale", c_float),
        ("zero_point", c_int32),
        ("pitch", c_size_t),
        ("values", c_void_p),
    ]


_MESSAGE = (c_char_p, c_size_t)
_FUNCTIONS = {
    "lvt_version": (c_char_p,),
    "lvt_model_open": (c_int32, c_char_p, POINTER(Options), POINTER(c_void_p), *_MESSAGE),
    "lvt_model_open_bytes": (c_int32, c_char_p, c_size_t, POINTER(Options), POINTER(c_void_p), *_MESSAGE),
    "lvt_model_close": (None, c_void_p),
    "lvt_model_input_width": (c_int32, c_void_p),
    "lvt_model_input_height": (c_int32, c_void_p),
    "lvt_model_task": (c_int32, c_void_p),
    "lvt_model_threads": (c_int32, c_void_p),
    "lvt_model_isa": (c_char_p, c_void_p),
    "lvt_model_place_thread": (c_int32, c_void_p, *_MESSAGE),
    "lvt_model_verify": (c_int32, c_void_p, *_MESSAGE),
    "lvt_model_classify": (c_int32, c_void_p, POINTER(Frame), *_MESSAGE),
    "lvt_model_class_count": (c_int32, c_void_p),
    "lvt_model_label": (c_char_p, c_void_p, c_int32),
    "lvt_model_top": (c_int32, c_void_p, POINTER(Candidate), c_int32),
    "lvt_model_detections": (c_int32, c_void_p, c_float, POINTER(Detection), c_int32),
    "lvt_model_mask": (c_int32, c_void_p, c_float, c_int32, POINTER(c_uint8), c_size_t, c_size_t),
    "lvt_model_label_map": (c_int32, c_void_p, POINTER(c_uint8), c_size_t, c_size_t),
    "lvt_model_output_count": (c_int32, c_void_p),
    "lvt_model_output": (c_int32, c_void_p, c_int32, POINTER(Output)),
}

lvt = ctypes.CDLL(str(Path(__file__).with_name("liblvt.so")))
for _name, (_result, *_arguments) in _FUNCTIONS.items():
    _function = getattr(lvt, _name)
    _function.restype, _function.argtypes = _result, _arguments
