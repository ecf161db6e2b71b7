// SPDX-License-Identifier: Apache-2.0
//
// lvt from C: open a plan, hand in frames, read the result. A plan, a frame or an argument that is
// wrong gives an error and never ends the program; pointers must be NULL or point to what their
// types say.
//
// A model is for one thread at a time. Different models may be used by different threads.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The version of this header. Programs work with every later library of the same major version.
#define LVT_VERSION_MAJOR 0
#define LVT_VERSION_MINOR 1

/// A plan with the memory and the threads that run it. Made by lvt_model_open, freed by
/// lvt_model_close.
typedef struct lvt_model lvt_model;

typedef enum {
    LVT_OK = 0,
    /// A pointer is NULL that must not be, an index is of nothing, or memory is too small.
    LVT_BAD_ARGUMENT = 1,
    /// The file cannot be read, is no plan, or is damaged.
    LVT_BAD_PLAN = 2,
    /// There is not the memory, the system refuses the threads, or an option cannot be had here: a
    /// number of threads that is not 0 ... 64, processors, an instruction set.
    LVT_NO_ENGINE = 3,
    /// The frame is of no known format or matrix, or its sizes do not fit each other.
    LVT_BAD_FRAME = 4,
    /// The plan has no such result, or there is none since no frame was run.
    LVT_NO_RESULT = 5,
    /// The plan's file was changed, or this machine does not compute what it says.
    LVT_NOT_VERIFIED = 6,
} lvt_status;

/// How bytes are pixels. In the formats with luma (Y) and chroma (U, V), two neighbours of a row
/// share chroma; in NV12, NV21 and YU12 two rows do as well.
typedef enum {
    /// Red, green and blue, a byte each.
    LVT_RGB8 = 0,
    /// One byte.
    LVT_GRAY8 = 1,
    /// Groups of Y U Y V, two pixels each.
    LVT_YUYV = 2,
    /// Groups of U Y V Y, two pixels each.
    LVT_UYVY = 3,
    /// Rows of Y, behind them rows of pairs U V with the same stride, half as many.
    LVT_NV12 = 4,
    /// Rows of Y, behind them rows of pairs V U with the same stride, half as many.
    LVT_NV21 = 5,
    /// Rows of Y, behind them half as many rows of U and then of V, both with half the stride
    /// (I420).
    LVT_YU12 = 6,
    /// Blue, green and red, a byte each.
    LVT_BGR8 = 7,
    /// Red, green, blue and a byte that is not looked at.
    LVT_RGBA8 = 8,
    /// Blue, green, red and a byte that is not looked at.
    LVT_BGRA8 = 9,
} lvt_format;

/// The standard that relates luma and chroma to colours.
typedef enum {
    /// ITU-R BT.601, as small video and JPEG have it.
    LVT_BT601 = 0,
    /// ITU-R BT.709, as video from 1280 x 720 on has it.
    LVT_BT709 = 1,
} lvt_matrix;

/// A picture in the caller's memory, which is read during lvt_model_classify only. It has any size
/// of 1 ... 65535 pixels a side; it is cropped and resized as the plan says.
typedef struct {
    /// The first row's first byte; the planes of a format follow each other.
    const void *bytes;
    /// Bytes that may be read there.
    size_t byte_count;
    lvt_format format;
    int32_t width;
    int32_t height;
    /// Bytes from row to row; 0: rows follow each other immediately.
    size_t stride;
    /// Of luma and chroma. 0: the limited range, 16 ... 235; 1: the full range.
    int32_t is_full_range;
    /// Of luma and chroma.
    lvt_matrix matrix;
} lvt_frame;

/// A class with its share of the softmax over all classes.
typedef struct {
    int32_t index;
    /// A string of UTF-8: the plan's, which ends at a zero in it and may hold control characters,
    /// or the index where the plan has no labels. Valid until the model is closed.
    const char *label;
    /// 0 ... 1.
    float probability;
} lvt_candidate;

/// An object that was found in a frame, with its box in the frame's pixels: x to the right and y
/// down from the frame's left upper corner.
typedef struct {
    /// Of the class.
    int32_t index;
    /// As in lvt_candidate.
    const char *label;
    /// 0 ... 1.
    float score;
    /// The left upper corner of the box: 0 ... the frame's width and height.
    float x, y;
    /// Its sides, more than 0; it does not reach beyond the frame.
    float width, height;
} lvt_detection;

/// What a result says.
typedef enum {
    /// Scores, one for each class: float32 of one position.
    LVT_CLASSES = 0,
    /// Features: float32 of one position, or a map of integers.
    LVT_MAP = 1,
    /// The class of each pixel of the network's input: LVT_LABELS, one channel. lvt_model_label_map
    /// has it in the frame's pixels.
    LVT_PIXEL_CLASSES = 2,
    /// Boxes: float32, a position for each of the most that are found, best first, with six
    /// channels: left, top, right and bottom edge in pixels of the network's input, score, class.
    /// Behind the last box all are 0. lvt_model_detections has them in the frame's pixels.
    LVT_DETECTIONS = 3,
    /// Which parts of each box belong to its object: float32, a position for each box in the order
    /// of LVT_DETECTIONS, with as many channels as a square has cells: probabilities, row after
    /// row. Behind the last box all are 0. lvt_model_mask has them in the frame's pixels.
    LVT_MASKS = 4,
} lvt_output_kind;

/// What the values of a result are.
typedef enum {
    LVT_INT8 = 1,
    LVT_FLOAT32 = 2,
    LVT_INT16 = 3,
    /// An index of a class, a byte.
    LVT_LABELS = 4,
} lvt_type;

/// A result of the last frame: `channels` values at each of height x width positions. An integer q
/// stands for `scale * (q - zero_point)`; of float32 and labels scale and zero point are 1 and 0.
typedef struct {
    /// A string of UTF-8, valid until the model is closed.
    const char *name;
    lvt_output_kind kind;
    lvt_type type;
    int32_t height;
    int32_t width;
    int32_t channels;
    float scale;
    int32_t zero_point;
    /// Bytes from one position to the next, rows one after another.
    size_t pitch;
    /// The model's memory: valid until the next lvt_model_classify.
    const void *values;
} lvt_output;

/// On which processors a model's threads run.
typedef enum {
    /// Wherever the thread that opens the model may.
    LVT_INHERITED = 0,
    /// On the fastest where there are several kinds and enough of them, else as LVT_INHERITED.
    LVT_FASTEST = 1,
    /// On the `processors`, among which the kernel moves them.
    LVT_SHARED = 2,
    /// The i-th on the i-th of the `processors` and on no other.
    LVT_PINNED = 3,
} lvt_affinity;

/// How a model runs. Start from `lvt_options options = {sizeof options}` and set what shall be
/// different; no result depends on the first four.
typedef struct {
    /// sizeof(lvt_options), by which a later library knows what members the program has; another
    /// size is LVT_BAD_ARGUMENT.
    size_t size;
    /// 1 ... 64, the calling thread included; 0 for one on each of the fastest cores, at most 4, or
    /// the calling one alone as long as that is faster.
    int32_t threads;
    lvt_affinity affinity;
    /// Of LVT_SHARED and LVT_PINNED, and NULL for the others: a list as the kernel writes them,
    /// such as "0,4-7". Read during the call only.
    const char *processors;
    /// "scalar", "avx2", "avxvnni", "avx512vnni", "neon", "neondot" or "neoni8mm"; NULL for the
    /// fastest that this processor has. Read during the call only.
    const char *isa;
    /// The most work of a run, in multiplications, of a plan that is not refused; 0 for 10^11, some
    /// seconds of a fast core.
    uint64_t work;
} lvt_options;

/// The version of the library, as "0.1". A static string.
const char *lvt_version(void);

/// Opens a plan file, checks it, allocates all memory and starts the threads after the first, which
/// sleep between frames; the first is the thread that calls lvt_model_classify.
///
/// `path` is a string of any bytes, as the system takes it. The file is mapped and must not change
/// while the model is open; renaming a new one over it is no change. `options` may be NULL, for all
/// as if 0. `*model` is the model, or NULL after an error. `message`, unless it is NULL, is a
/// buffer of `capacity` bytes that gets a string about an error: one line of UTF-8 without control
/// characters, cut to fit; "" after LVT_OK. Nothing is written behind the string, so a capacity
/// that is larger than the buffer, such as SIZE_MAX, is the caller's word that there is room.
lvt_status lvt_model_open(const char *path,
                          const lvt_options *options,
                          lvt_model **model,
                          char *message,
                          size_t capacity);

/// As lvt_model_open, of a plan file's bytes in memory. They are copied, so they may lie on any
/// boundary and go after the call.
lvt_status lvt_model_open_bytes(const void *bytes,
                                size_t byte_count,
                                const lvt_options *options,
                                lvt_model **model,
                                char *message,
                                size_t capacity);

/// Stops the threads and frees the model with its labels and logits; NULL is allowed.
void lvt_model_close(lvt_model *model);

/// The width of the network's input, in pixels; 0 for NULL. Frames of any size are resized to it.
int32_t lvt_model_input_width(const lvt_model *model);

/// The height of the network's input, in pixels; 0 for NULL.
int32_t lvt_model_input_height(const lvt_model *model);

/// What the plan answers: LVT_CLASSES, LVT_DETECTIONS or LVT_PIXEL_CLASSES, the first of them that
/// it has; LVT_MAP for a plan of features alone, and for NULL.
lvt_output_kind lvt_model_task(const lvt_model *model);

/// The threads of the model, the calling one included; 0 for NULL.
int32_t lvt_model_threads(const lvt_model *model);

/// The instruction set that the model uses, as in lvt_options, valid until the model is closed;
/// NULL for NULL.
const char *lvt_model_isa(const lvt_model *model);

/// Restricts the calling thread to the processors that the model's affinity says for the first
/// thread; without it, the others may wait for this one on a slower processor. Call it on the
/// thread that calls lvt_model_classify, after starting threads of your own, which inherit the
/// restriction. It lasts beyond the model. LVT_OK and nothing else for LVT_INHERITED; LVT_NO_ENGINE
/// where the system refuses. `message` and `capacity` as in lvt_model_open.
lvt_status lvt_model_place_thread(const lvt_model *model, char *message, size_t capacity);

/// Proves that the plan's file is whole, by its SHA-256, and that this machine computes what the
/// planner's did, by running a picture of noise and comparing hashes of every step's values.
/// LVT_NOT_VERIFIED if not, LVT_NO_RESULT for a plan without hashes. `message` and `capacity` as in
/// lvt_model_open. The last frame's results are gone. Allocates, so it is no part of a loop over
/// frames.
lvt_status lvt_model_verify(lvt_model *model, char *message, size_t capacity);

/// Runs the network on a frame: computes the plan's results, whatever they are. `message` and
/// `capacity` as in lvt_model_open. After an error the last frame's results are gone.
///
/// Frames that are of one size and format, one after another, allocate nothing and take no lock;
/// the first of another size allocates what resizing it takes.
lvt_status
lvt_model_classify(lvt_model *model, const lvt_frame *frame, char *message, size_t capacity);

/// The number of results; 0 for NULL.
int32_t lvt_model_output_count(const lvt_model *model);

/// Describes a result, 0 ... lvt_model_output_count - 1; LVT_BAD_ARGUMENT for another, or if a
/// pointer is NULL.
lvt_status lvt_model_output(const lvt_model *model, int32_t index, lvt_output *output);

/// The number of classes of pictures, objects or pixels; 0 for NULL, and for a plan of features
/// alone.
int32_t lvt_model_class_count(const lvt_model *model);

/// The name of a class, as in lvt_candidate; NULL for an index of no class.
const char *lvt_model_label(const lvt_model *model, int32_t index);

/// The last frame's scores, lvt_model_class_count floats; NULL for NULL, and for a plan that does
/// not score classes of pictures. The model's memory: valid until the next lvt_model_classify.
const float *lvt_model_logits(const lvt_model *model);

/// Writes the `count` likeliest classes of the last frame, likeliest first, of equals the lower
/// index first. Returns how many were written, which is less where there are fewer classes and 0 if
/// a pointer is NULL.
int32_t lvt_model_top(const lvt_model *model, lvt_candidate *candidates, int32_t count);

/// Writes the objects of the last frame, best first, at most `count`, with scores of at least
/// `least_score`, 0 ... 1; the plan has a least score of its own, 0.05 as published. Boxes are in
/// the pixels of that frame. Returns how many were written, which is 0 if a pointer is NULL, for a
/// plan that finds no objects, and before the first frame. Allocates nothing.
///
/// The `width` of the plan's result of the kind LVT_DETECTIONS is the most there can be.
int32_t
lvt_model_detections(lvt_model *model, float least_score, lvt_detection *detections, int32_t count);

/// Writes the class of each pixel of the last frame: as many rows as the frame has, each of its
/// width in bytes, `stride` bytes apart; 0: rows follow each other immediately. Bytes between rows
/// are left as they are. 255 is a pixel that the network did not see, as beside a crop.
/// LVT_BAD_ARGUMENT if a pointer is NULL, the rows take more than `byte_count` bytes, or `stride`
/// is less than the width; LVT_NO_RESULT for a plan without a label map, and before the first
/// frame. Allocates nothing.
lvt_status
lvt_model_label_map(const lvt_model *model, uint8_t *labels, size_t byte_count, size_t stride);

/// Writes which pixels of the last frame belong to an object, 1 for those and 0 for others, as
/// lvt_model_label_map writes classes. The object is the one that lvt_model_detections writes at
/// `index`, from 0 on, with this `least_score`. LVT_BAD_ARGUMENT if there is no such object, a
/// pointer is NULL, or the rows do not fit; LVT_NO_RESULT for a plan without masks, and before the
/// first frame.
lvt_status lvt_model_mask(lvt_model *model,
                          float least_score,
                          int32_t index,
                          uint8_t *mask,
                          size_t byte_count,
                          size_t stride);

/// A status in words, a static string.
const char *lvt_status_text(lvt_status status);

#ifdef __cplusplus
}
#endif
