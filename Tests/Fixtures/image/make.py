#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what the picture tests compare with: PIL's results.

Run it with a Python that has numpy and Pillow 10.2 ... 12.0; it writes beside itself. Later ones resize
the rows first when a picture loses much more height than width, which rounds differently.

resize.txt  one case a line: seed, width and height of a picture made of splitmix64's bytes, input width
            and height, fit, filter, and the FNV-1a hash of the input that PIL makes of it; the fit is 1 for
            the whole picture, less for the fraction that a crop shows, or letterbox
NAME.jpg    a picture of each kind
NAME.rgb    its pixels as PIL decodes them: Image.open(file).convert("RGB")
NAME.png    PNGs that PIL does not write
png.txt     one PNG a line, those of labels among them: path, width, height, and the FNV-1a hash of
            ImageOps.exif_transpose(Image.open(file)).convert("RGB")

Arithmetic coding is encode.c's, which needs a C compiler and libjpeg.
"""

import math
import pathlib
import struct
import subprocess
import tempfile
import zlib

import numpy
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).parent
MASK = (1 << 64) - 1
FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def noise(seed, count):
    """The bytes of splitmix64, lowest first."""
    out = bytearray()
    while len(out) < count:
        seed = (seed + 0x9E3779B97F4A7C15) & MASK
        z = seed
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        out += (z ^ (z >> 31)).to_bytes(8, "little")
    return bytes(out[:count])


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def resize(image, width, height, crop, pil_filter):
    """The whole picture, or what timm's transforms_imagenet_eval composes: Resize(edge) for a square,
    ResizeKeepRatio((height, width)) for others, then CenterCrop((height, width)); of a letterbox mmcv's
    imrescale and impad, but with PIL's filter."""
    if crop == 1:
        return image.resize((width, height), pil_filter)
    w, h = image.size
    if crop == "letterbox":
        factor = min(width / w, height / h)
        size = (max(1, int(w * factor + 0.5)), max(1, int(h * factor + 0.5)))
        boxed = Image.new("RGB", (width, height), PADDING)
        boxed.paste(image.resize(size, pil_filter), (0, 0))
        return boxed
    target = (math.floor(width / crop), math.floor(height / crop))
    if target[0] == target[1]:
        edge = target[0]
        size = (edge, int(edge * h / w)) if w <= h else (int(edge * w / h), edge)
    else:
        ratio = min(h / target[1], w / target[0])
        size = (round(w / ratio), round(h / ratio))
    image = image.resize(size, pil_filter)
    left = int(round((size[0] - width) / 2.0))
    top = int(round((size[1] - height) / 2.0))
    return image.crop((left, top, left + width, top + height))


PADDING = (124, 116, 104)
SIZES = [  # source, input
    ((64, 48), (32, 32)),
    ((64, 48), (64, 48)),  # the same
    ((64, 48), (64, 24)),  # one pass only
    ((64, 48), (31, 48)),
    ((640, 480), (224, 224)),
    ((17, 13), (64, 64)),  # larger
    ((37, 53), (64, 23)),  # larger and smaller
    ((1, 1), (9, 7)),
    ((1, 1), (1, 1)),
    ((99, 101), (1, 1)),
    ((2, 3), (3, 2)),
    ((2000, 1), (16, 16)),  # extreme proportions
    ((1, 2000), (16, 16)),
    ((3000, 2), (7, 5)),
    ((2, 3000), (5, 7)),
    ((255, 257), (224, 224)),
]
CROPS = [  # source, input, fraction
    ((640, 480), (224, 224), 0.875),
    ((480, 640), (224, 224), 0.875),
    ((100, 100), (56, 56), 0.875),
    ((31, 77), (24, 24), 0.75),
    ((77, 31), (25, 25), 0.9),
    ((64, 64), (56, 56), 0.875),  # the resized picture is as large as the source
    ((300, 301), (57, 57), 0.5),
    ((1, 50), (3, 3), 0.25),
    ((41, 67), (20, 20), 0.96875),
    ((29, 23), (15, 15), 0.8),
    ((640, 480), (224, 224), 0.9),  # 248.9 is 248
    ((97, 64), (48, 48), 0.8),  # 0.8 is no float32
    ((640, 480), (32, 32), 0.9),
    ((640, 480), (96, 64), 0.875),
    ((333, 480), (33, 65), 0.95),
    ((31, 47), (20, 24), 0.7),
]
LETTERBOXES = [  # source, input
    ((640, 480), (96, 64)),
    ((640, 480), (64, 96)),
    ((480, 640), (64, 64)),
    ((64, 48), (32, 24)),  # nothing to pad
    ((64, 48), (64, 64)),  # not resized
    ((17, 13), (64, 64)),  # larger
    ((37, 53), (64, 23)),
    ((2000, 1), (16, 16)),  # less than half a pixel
    ((1, 2000), (16, 16)),
    ((100, 33), (50, 50)),  # 16.5 is 17
    ((1, 1), (9, 7)),
    ((255, 257), (1, 1)),
]


def write_resize_cases():
    lines = []
    cases = [(source, size, 1) for source, size in SIZES] + CROPS
    cases += [(source, size, "letterbox") for source, size in LETTERBOXES]
    for seed, ((w, h), (width, height), crop) in enumerate(cases, start=1):
        image = Image.frombytes("RGB", (w, h), noise(seed, 3 * w * h))
        for name, pil_filter in FILTERS.items():
            result = resize(image, width, height, crop, pil_filter).tobytes()
            lines.append(f"{seed} {w} {h} {width} {height} {crop} {name} {fnv1a(result):016x}\n")
    (HERE / "resize.txt").write_text("".join(lines))


def picture(channels, width=33, height=21):
    """Slopes, an edge and a little noise."""
    y, x = numpy.mgrid[0:height, 0:width]
    planes = [
        x * 7,
        y * 11,
        (x + y) * 4,
        numpy.where(x * 2 > width + y, 220, 40),
    ][:channels]
    grain = numpy.frombuffer(noise(7, width * height * channels), numpy.uint8)
    pixels = numpy.stack(planes, -1) + grain.reshape(height, width, channels) // 8
    pixels = numpy.clip(pixels, 0, 255).astype(numpy.uint8)
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[channels]
    return Image.frombytes(mode, (width, height), pixels.tobytes())


def segments(data):
    """The marker segments up to the first scan's data, which comes last with its SOS."""
    out, at = [data[:2]], 2
    while True:
        length = 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == 0xDA:
            return out + [data[at:]]
        out.append(data[at : at + length])
        at += length


def without(data, *markers):
    return b"".join(s for s in segments(data) if s[1] not in markers or s[0] != 0xFF)


def with_adobe(data, transform):
    """Replaces the JFIF and Adobe markers by an Adobe one that names the colour transform."""
    data = without(data, 0xE0, 0xEE)
    marker = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([transform])
    return data[:2] + marker + data[2:]


def encoded(channels, **options):
    path = HERE / "made.jpg"
    picture(channels).save(path, "JPEG", quality=90, **options)
    data = path.read_bytes()
    path.unlink()
    return data


def arithmetic(*options):
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "encode"
        subprocess.run(["cc", HERE / "encode.c", "-ljpeg", "-o", program], check=True)
        image = picture(3)
        ppm = b"P6 %d %d 255\n" % image.size + image.tobytes()
        return subprocess.run([program, *options], input=ppm, stdout=-1, check=True).stdout


def write_jpegs():
    cmyk = encoded(4)
    files = {
        "grey": encoded(1),
        "444": encoded(3, subsampling=0),
        "422": encoded(3, subsampling=1),
        "420": encoded(3, subsampling=2),
        "progressive": encoded(3, subsampling=2, progressive=True),
        "progressive-grey": encoded(1, progressive=True),
        "restarts": encoded(3, subsampling=2, restart_marker_blocks=2),
        "adobe-rgb": with_adobe(encoded(3, subsampling=0), 0),
        "cmyk": cmyk,
        "cmyk-unmarked": without(cmyk, 0xEE),
        "ycck": with_adobe(cmyk, 2),
        "arithmetic": arithmetic(),
        "arithmetic-progressive": arithmetic("progressive"),
    }
    for name, data in files.items():
        path = HERE / f"{name}.jpg"
        path.write_bytes(data)
        (HERE / f"{name}.rgb").write_bytes(Image.open(path).convert("RGB").tobytes())


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(name, data):
    body = name + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(bits, colours, before=b"", after=b"", interlaced=False, width=13, height=9):
    """A PNG of noise; `colours` is its colour type, `before` and `after` are chunks around the data."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colours]
    samples = noise(5, width * height * channels * 2)
    samples = [int.from_bytes(samples[i : i + 2], "big") >> 16 - bits for i in range(0, len(samples), 2)]
    # Some samples of 16 bits are small, for those of grey are clipped.
    samples = [x >> 8 if bits == 16 and i % 3 == 0 else x for i, x in enumerate(samples)]
    rows = b""
    for left, top, right, down in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        for y in range(top, height, down):
            row, used = 0, 0
            for x in range(left, width, right):
                for sample in samples[(y * width + x) * channels :][:channels]:
                    row, used = row << bits | sample, used + bits
            if used:
                rows += b"\0" + (row << -used % 8).to_bytes(-(-used // 8), "big")
    header = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, interlaced)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(rows))
            + after + chunk(b"IEND", b""))


def exif(orientation):
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def write_pngs():
    palette = chunk(b"PLTE", noise(3, 3 * 5))
    files = {
        "rgb8": png(8, 2),
        "rgb8-interlaced": png(8, 2, interlaced=True),
        "rgb8-colour-key": png(8, 2, chunk(b"tRNS", bytes(6))),
        "rgb16": png(16, 2),
        "rgb16-interlaced": png(16, 2, interlaced=True),
        "rgba8": png(8, 6),
        "rgba16": png(16, 6),
        "grey16": png(16, 0),
        "grey16-interlaced": png(16, 0, interlaced=True),
        "grey8-colour-key": png(8, 0, chunk(b"tRNS", b"\0\x07")),
        "grey-alpha8": png(8, 4),
        "grey-alpha16-interlaced": png(16, 4, interlaced=True),
        "palette8-short": png(8, 3, palette + chunk(b"tRNS", b"\0\x80")),
        "palette4-short": png(4, 3, palette),
        "gamma": png(8, 2, chunk(b"gAMA", struct.pack(">I", 100000)) + chunk(b"sBIT", b"\5\6\5")),
        "exif-after": png(8, 6, after=chunk(b"eXIf", exif(8))),
        "exif-marked": png(8, 3, chunk(b"eXIf", b"Exif\0\0" + exif(5)) + palette),
        "exif-damaged": png(8, 2, chunk(b"eXIf", exif(6)[:-6])),
        **{f"exif-{k}": png(8, 2, chunk(b"eXIf", exif(k))) for k in range(1, 10)},
    }
    for name, data in files.items():
        (HERE / f"{name}.png").write_bytes(data)
    labels = sorted((HERE.parent / "evaluate" / "labels").glob("*.png"))
    lines = []
    for path in [HERE / f"{name}.png" for name in files] + labels:
        if path.stem in ("few-bytes", "wide"):
            continue
        image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
        where = path.relative_to(HERE.parent)
        lines.append(f"{where} {image.width} {image.height} {fnv1a(image.tobytes()):016x}\n")
    (HERE / "png.txt").write_text("".join(lines))


if __name__ == "__main__":
    write_resize_cases()
    write_jpegs()
    write_pngs()
