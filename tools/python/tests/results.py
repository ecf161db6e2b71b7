# SPDX-License-Identifier: Apache-2.0
"""python3 results.py PLANS PICTURE.ppm RESULTS: tests of the installed module.

PLANS has tiny.lvt, tiny-detector.lvt, tiny-segmenter.lvt, tiny-rcnn.lvt; RESULTS what `lvt-infer PLAN PICTURE.ppm --json` and its
--masks say of each: NAME.json and mask.pgm; of tiny-rcnn.lvt all objects.
"""

import json
import os
import re
import sys
import threading
import unittest
from pathlib import Path

import lvt
import numpy

PLANS, PICTURE, RESULTS = (Path(argument) for argument in sys.argv[1:4])


def pixels_of(path):
    """A PPM's or PGM's pixels."""
    raw = path.read_bytes()
    magic, width, height = re.match(rb"(P[56])\s(\d+)\s(\d+)\s255\s", raw).groups()
    channels = 3 if magic == b"P6" else 1
    count = int(width) * int(height) * channels
    array = numpy.frombuffer(raw, numpy.uint8, count, len(raw) - count)
    return array.reshape((int(height), int(width), 3) if channels == 3 else (int(height), int(width)))


def mask_of(counts):
    """The pixels of COCO's packed run lengths, column after column."""
    runs, value, shift = [], 0, 0
    for character in counts.encode():
        digit = character - 48
        value |= (digit & 31) << shift
        shift += 5
        if not digit & 32:
            if digit & 16:
                value -= 1 << shift
            # From the third on, what a count is more than the one before the last.
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value, shift = 0, 0
    pixels = numpy.repeat(numpy.arange(len(runs)) % 2 == 1, runs)
    return pixels.reshape((WIDTH, HEIGHT)).T


RGB = pixels_of(PICTURE)
HEIGHT, WIDTH = RGB.shape[:2]


def expected(name):
    return json.loads((RESULTS / f"{name}.json").read_text())


def model(name="tiny", **options):
    return lvt.Model(PLANS / f"{name}.lvt", **options)


class Results(unittest.TestCase):
    def test_classes_are_those_of_lvt_infer(self):
        with model() as m:
            found = m.classify(RGB, top=3)
            self.assertEqual(m.task, "classify")
            self.assertEqual(m.labels[found[0].index], found[0].label)
        top = expected("tiny")["top"]
        self.assertEqual([(c.index, c.label) for c in found], [(c["index"], c["label"]) for c in top])
        numpy.testing.assert_array_equal(
            numpy.float32([c.probability for c in found]), numpy.float32([c["probability"] for c in top])
        )

    def test_objects_are_those_of_lvt_infer(self):
        with model("tiny-detector") as m:
            found = m.detect(RGB)
            self.assertEqual(m.task, "detect")
            self.assertEqual(len(m.detect(RGB, threshold=1)), 0)
        boxes = expected("tiny-detector")["boxes"]
        self.assertGreater(len(boxes), 3)
        self.assertTrue(all(d.mask is None for d in found))
        self.assertEqual([(d.index, d.label) for d in found], [(b["class"], b["label"]) for b in boxes])
        numpy.testing.assert_array_equal(
            numpy.float32([d[2:7] for d in found]),
            numpy.float32([[b[k] for k in ("score", "x", "y", "width", "height")] for b in boxes]),
        )

    def test_masks_are_those_of_lvt_infer(self):
        with model("tiny-rcnn") as m:
            found = m.detect(RGB, 0, masks=True)
            self.assertEqual([d[:7] for d in m.detect(RGB, 0)], [d[:7] for d in found])
        boxes = expected("tiny-rcnn")["boxes"]
        self.assertEqual(len(found), len(boxes))
        self.assertGreater(len(boxes), 1)
        for detection, box in zip(found, boxes):
            self.assertEqual((detection.mask.shape, detection.mask.dtype), ((HEIGHT, WIDTH), numpy.bool_))
            self.assertEqual(box["segmentation"]["size"], [HEIGHT, WIDTH])
            numpy.testing.assert_array_equal(detection.mask, mask_of(box["segmentation"]["counts"]))
        with model("tiny-detector") as m:
            with self.assertRaisesRegex(lvt.ResultError, "masks"):
                m.detect(RGB, masks=True)

    def test_label_map_is_that_of_lvt_infer(self):
        with model("tiny-segmenter") as m:
            found = m.segment(RGB)
            self.assertEqual(m.task, "segment")
        numpy.testing.assert_array_equal(found, pixels_of(RESULTS / "mask.pgm"))
        self.assertGreater(len(numpy.unique(found)), 1)

    def test_features_are_the_results(self):
        with model() as m:
            (logits,) = m.features(RGB).values()
            best = m.classify(RGB, top=1)[0].index
        self.assertEqual((logits.shape, logits.dtype), ((1, 1, len(m.labels)), numpy.float32))
        self.assertEqual(int(logits.argmax()), best)
        with model("tiny-segmenter") as m:
            (labels,) = m.features(RGB).values()
            self.assertEqual(labels.shape, (m.input_size[1], m.input_size[0], 1))

    def test_version_and_options(self):
        self.assertRegex(lvt.__version__, r"^\d+\.\d+$")
        with model(threads=2, isa="scalar", processors="fastest") as m:
            self.assertEqual((m.threads, m.isa), (2, "scalar"))
            m.verify()
        with lvt.Model((PLANS / "tiny.lvt").read_bytes()) as m:
            self.assertEqual(m.classify(RGB), model().classify(RGB))


class Frames(unittest.TestCase):
    def test_formats_of_one_picture_give_one_result(self):
        bgr = numpy.ascontiguousarray(RGB[:, :, ::-1])
        rgba = numpy.dstack([RGB, numpy.full((HEIGHT, WIDTH), 77, numpy.uint8)])
        bgra = numpy.dstack([bgr, numpy.full((HEIGHT, WIDTH), 78, numpy.uint8)])
        with model() as m:
            result = m.classify(RGB)
            for format, array in [("bgr", bgr), ("rgba", rgba), ("bgra", bgra)]:
                self.assertEqual(m.classify(array, format=format), result, format)
            self.assertNotEqual(m.classify(bgr), result)
            grey = numpy.ascontiguousarray(RGB[:, :, 1])
            result = m.classify(numpy.dstack([grey] * 3))
            self.assertEqual(m.classify(grey, format="grey"), result)
            self.assertEqual(m.classify(grey[:, :, None], format="grey"), result)

    def test_luma_and_chroma_in_every_order_give_one_result(self):
        y, u, v = RGB[:48, :64, 0], RGB[:24, :32, 1], RGB[:24, :32, 2]
        planes = numpy.concatenate([y.reshape(-1), u.reshape(-1), v.reshape(-1)]).reshape(72, 64)
        pairs = numpy.dstack([u, v]).reshape(24, 64)
        swapped = numpy.dstack([v, u]).reshape(24, 64)
        tall_u, tall_v = numpy.repeat(u, 2, 0), numpy.repeat(v, 2, 0)
        yuyv = numpy.stack([y[:, ::2], tall_u, y[:, 1::2], tall_v], 2).reshape(48, 64, 2)
        uyvy = yuyv[:, :, ::-1].copy()
        padded = numpy.zeros((72, 80), numpy.uint8)
        padded[:48, :64] = y
        padded[48:].reshape(48, 40)[:, :32] = numpy.concatenate([u, v])
        with model() as m:
            for colours in [{}, {"matrix": "bt709"}, {"full_range": True}]:
                result = m.classify(planes, format="yuv420", **colours)
                for format, array in [
                    ("nv12", numpy.concatenate([y, pairs])),
                    ("nv21", numpy.concatenate([y, swapped])),
                    ("yuyv", yuyv),
                    ("uyvy", uyvy),
                ]:
                    self.assertEqual(m.classify(array, format=format, **colours), result, format)
                self.assertEqual(m.classify(padded, format="yuv420", width=64, **colours), result)
            self.assertNotEqual(result, m.classify(planes, format="yuv420"))

    def test_views_are_read_where_they_are(self):
        part = RGB[5:41, 7:60]
        wide = numpy.zeros((36, 100, 3), numpy.uint8)
        wide[:, :53] = part
        with model() as m:
            result = m.classify(part.copy())
            self.assertEqual(m.classify(part), result)
            self.assertEqual(m.classify(wide[:, :53]), result)
            self.assertEqual(m.classify(RGB[::2]), m.classify(RGB[::2].copy()))
            part = numpy.array(part)
            part.flags.writeable = False
            self.assertEqual(m.classify(part), result)
            self.assertEqual(len(m.classify(RGB[:1, :1])), min(5, len(m.labels)))

    def test_what_cannot_be_read_in_place_is_an_error(self):
        wrong = [
            (RGB[:, ::-1], "rgb"), (RGB[::-1], "rgb"), (RGB[:, :, ::-1], "rgb"), (RGB[:, ::2], "rgb"),
            (RGB.transpose(1, 0, 2), "rgb"), (numpy.asfortranarray(RGB), "bgr"), (RGB, "rgba"), (RGB, "grey"),
            (RGB[:, :, 0], "grey"), (RGB[:, :, 0], "rgb"), (RGB.astype(numpy.float32), "rgb"), (RGB[:0], "rgb"),
            (RGB[0], "rgb"), (numpy.zeros((71, 64), numpy.uint8), "yuv420"),
            (numpy.zeros((72, 80), numpy.uint8)[:, :64], "yuv420"), (RGB, "jpeg"),
            (numpy.broadcast_to(RGB[:1], RGB.shape), "rgb"), (numpy.zeros((1, 70000, 3), numpy.uint8), "rgb"),
        ]
        with model() as m:
            for i, (array, format) in enumerate(wrong):
                with self.assertRaises(lvt.FrameError, msg=f"{i}"):
                    m.classify(array, format=format)
            with self.assertRaises(lvt.FrameError):
                m.classify(RGB, width=WIDTH + 1)
            with self.assertRaises(lvt.FrameError):
                m.classify(RGB, matrix="bt2020")
            with self.assertRaises(TypeError):
                m.classify(RGB.tobytes())


class Errors(unittest.TestCase):
    def test_plans_that_are_none_are_errors(self):
        with self.assertRaisesRegex(lvt.PlanError, "nowhere.lvt: "):
            lvt.Model("nowhere.lvt")
        with self.assertRaises(lvt.PlanError):
            lvt.Model(b"no plan")
        with self.assertRaises(lvt.PlanError):
            model(work=1)
        with self.assertRaises(ValueError):
            lvt.Model("a\0b")

    def test_options_that_cannot_be_had_are_errors(self):
        for options in [{"threads": 65}, {"threads": -1}, {"isa": "mmx"}, {"processors": "x"}]:
            with self.assertRaises(lvt.EngineError):
                model(**options)
        for options in [{"threads": 2**32}, {"work": -1}]:
            with self.assertRaises(ValueError):
                model(**options)

    def test_methods_of_other_plans_are_errors(self):
        methods = {"tiny": "classify", "tiny-detector": "detect", "tiny-segmenter": "segment"}
        for name, its in methods.items():
            with model(name) as m:
                for method in set(methods.values()) - {its}:
                    with self.assertRaisesRegex(lvt.ResultError, its):
                        getattr(m, method)(RGB)

    def test_a_closed_model_is_an_error(self):
        with model() as m:
            m.classify(RGB)
        for use in (m.verify, lambda: m.classify(RGB), lambda: m.features(RGB)):
            with self.assertRaisesRegex(lvt.LVTError, "closed"):
                use()
        m.close()


class Threads(unittest.TestCase):
    def test_other_threads_run_while_a_network_does(self):
        order, interval = [], sys.getswitchinterval()
        # A thread keeps the lock until it gives it up.
        sys.setswitchinterval(1000)
        try:
            with model() as m:

                def run():
                    for _ in range(300):
                        m.classify(RGB)
                    order.append("end")

                thread = threading.Thread(target=run)
                thread.start()
                order.append("other")
                thread.join()
        finally:
            sys.setswitchinterval(interval)
        self.assertEqual(order, ["other", "end"])

    def test_threads_are_placed_on_the_processors(self):
        first = min(os.sched_getaffinity(0))
        found = []

        def run():
            with model(processors=str(first), pinned=True) as m:
                m.place_thread()
                found.append((os.sched_getaffinity(0), m.threads))

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        self.assertEqual(found, [({first}, 1)])

    def test_a_model_serves_threads_one_after_another(self):
        with model() as m:
            result, found = m.classify(RGB), []
            threads = [
                threading.Thread(target=lambda: found.extend(m.classify(RGB) for _ in range(20))) for _ in range(4)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(found, [result] * 80)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
