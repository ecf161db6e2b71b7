// SPDX-License-Identifier: Apache-2.0
//
// What the runtime asks of the C library, in one place and without variadic functions or macros, so
// that the same Swift source compiles as ordinary and as Embedded Swift (which has no Glibc
// module).
//
// Functions that can fail return a negative errno.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---- Files --------------------------------------------------------------------------------------

/// A path as UTF-8 text: its length, whether it fits `capacity` or not; at most four times the
/// path's.
///
/// Names of files are any bytes, Swift's strings are UTF-8. A byte that is none is passed as a
/// character of its own, U+10FF00 + byte, and every function here that takes a path takes such text
/// and finds the file.
size_t lvt_path_text(const char *path, char *text, size_t capacity);

/// Opens a file for reading without waiting: a descriptor or a negative errno.
int lvt_open_read(const char *path);

/// Reads up to `capacity` bytes: how many, 0 at the end, or a negative errno.
ptrdiff_t lvt_read(int descriptor, void *bytes, size_t capacity);

/// Closes a descriptor, and takes a negative number for none.
void lvt_close(int descriptor);

typedef struct {
    const uint8_t *bytes; ///< NULL for an empty file.
    size_t count;
} lvt_mapping;

/// Maps a regular file read-only. 0, or a negative errno (-EISDIR for a folder).
int lvt_map_file(const char *path, lvt_mapping *mapping);
void lvt_unmap_file(lvt_mapping mapping);

/// Opens a regular file for lvt_read: a descriptor, or a negative errno (-EISDIR for a folder,
/// -EINVAL for a pipe or a device). `*size` is what the file has now; others may change that.
int lvt_open_file(const char *path, size_t *size);

typedef enum { LVT_FILE_MISSING, LVT_FILE_REGULAR, LVT_FILE_FOLDER, LVT_FILE_OTHER } lvt_file_kind;
lvt_file_kind lvt_file_kind_of(const char *path);
/// Reads the first bytes of a file, such as one of /sys, without waiting: how many, or a negative
/// errno.
ptrdiff_t lvt_read_start(const char *path, void *bytes, size_t capacity);

/// Names in a folder, without "." and "..", as text: opens, then one name at a time, NULL at the
/// end.
typedef struct lvt_folder lvt_folder;
lvt_folder *lvt_folder_open(const char *path, int *error);
const char *lvt_folder_next(lvt_folder *folder);
void lvt_folder_close(lvt_folder *folder);

/// Whether a descriptor is a regular file's, a terminal's.
bool lvt_is_regular(int descriptor);
bool lvt_is_terminal(int descriptor);
/// The columns of a terminal; 0 for what is none, or does not say.
int lvt_columns(int descriptor);

// ---- Output -------------------------------------------------------------------------------------

/// Keeps standard input, output and error that are closed from becoming another file's descriptor:
/// using them goes on failing. For the start of a program.
void lvt_hold_standard_descriptors(void);

/// Writes all of `bytes` to a descriptor. 0 or a negative errno.
int lvt_write_all(int descriptor, const void *bytes, size_t count);

/// Writes a line of UTF-8 over the last one of a terminal, cut to its width, and draws it anew when
/// that changes, until lvt_end_line. 0 or a negative errno. For one thread and one terminal.
int lvt_show_line(int descriptor, const char *text, size_t count);
/// Leaves the line of lvt_show_line, if there is one, and goes to the next.
int lvt_end_line(void);

/// Writes a file, two parts one after the other. 0 or a negative errno.
///
/// What is there decides. A regular file, or nothing, is replaced whole or left as it is, and keeps
/// its owner and permissions. A symbolic link stays, and the file that it names is replaced. A
/// device or a pipe is written into, a pipe once it has a reader. "-", or another name of it, is
/// standard output. A folder, a socket and a file without permission to write are refused.
int lvt_write_file(
    const char *path, const void *head, size_t head_count, const void *body, size_t body_count);

/// Whether lvt_write_file can be expected to work, for before the work starts; touches nothing. 0
/// or a negative errno.
int lvt_check_output(const char *path);

/// Whether lvt_write_file would write to standard output.
bool lvt_is_standard_output(const char *path);
/// Whether a path names the regular file that is read under another name, where "-" is standard
/// input.
bool lvt_is_same_file(const char *input, const char *path);

/// Whether a path names a symbolic link.
bool lvt_is_link(const char *path);

/// Makes a folder unless there is one. 0 or a negative errno.
int lvt_make_folder(const char *path);
/// Whether two paths lead to the same folder.
bool lvt_is_same_folder(const char *a, const char *b);

// ---- Waiting ------------------------------------------------------------------------------------

/// An event: a descriptor that becomes readable and stays so, or a negative errno.
int lvt_event_create(void);
void lvt_event_raise(int event);
/// Makes it one that has not happened; returns at once.
void lvt_event_take_back(int event);
/// Lets SIGINT and SIGTERM raise the event instead of ending the program.
void lvt_event_raise_on_signals(int event);

/// Waits until a descriptor can be read or has ended. Returns 1 then, 0 if the event has happened,
/// or a negative errno: -ETIMEDOUT after so many milliseconds. Less than 0 waits forever.
int lvt_wait_readable(int descriptor, int event, int milliseconds);
bool lvt_is_timeout(int status);
bool lvt_event_has_happened(int event);
/// Waits until a time on the clock of lvt_nanoseconds, or until the event has happened.
void lvt_wait_until(uint64_t nanoseconds, int event);

// ---- Threads ------------------------------------------------------------------------------------

typedef struct lvt_thread lvt_thread;
/// 0, or lvt_thread_error of what the system said, and no thread.
int lvt_thread_start(void (*body)(void *context), void *context, lvt_thread **thread);
/// Why pthread_create failed, as a negative errno: -ENOMEM where there is no room for a stack.
/// (pthread_create says EAGAIN for that too, as for a limit on threads.)
int lvt_thread_error(int error);
/// The cause in words.
const char *lvt_thread_error_text(int error);
/// Waits for the thread's end and frees it.
void lvt_thread_join(lvt_thread *thread);

/// Lets writing to a pipe or a socket without a reader fail in the calling thread, and not end the
/// program by SIGPIPE.
void lvt_ignore_broken_pipes(void);

/// A lock with a place to wait. NULL if the system refuses.
typedef struct lvt_monitor lvt_monitor;
lvt_monitor *lvt_monitor_create(void);
void lvt_monitor_destroy(lvt_monitor *monitor);
void lvt_monitor_lock(lvt_monitor *monitor);
void lvt_monitor_unlock(lvt_monitor *monitor);
/// With the lock held: gives it up, waits until notified (or for no reason), takes it again.
void lvt_monitor_wait(lvt_monitor *monitor);
void lvt_monitor_notify(lvt_monitor *monitor);

// ---- Errors, time, memory -----------------------------------------------------------------------

/// The system's words for an errno (positive or negative). A static string.
const char *lvt_error_text(int error);

/// The errno that the last failed call of this thread left.
int lvt_last_error(void);

/// The name of this machine; a static string, for one thread.
const char *lvt_host_name(void);

/// Fills memory with random bytes that nobody can guess, at most 256. 0 or a negative errno.
int lvt_random(void *bytes, size_t count);

/// A clock that only goes forward.
uint64_t lvt_nanoseconds(void);
/// Seconds since 1970, by a clock that may be set.
double lvt_wall_seconds(void);

/// Zeroed memory on a 64-byte boundary, or NULL. All of it is touched, so that the system need not
/// find it later.
void *lvt_allocate(size_t bytes);
void lvt_free(void *memory);
/// Bytes that the program may still map before its limit on address space (RLIMIT_AS); the largest
/// number if there is none.
uint64_t lvt_address_space_left(void);

/// Sets the niceness, -20 ... 19, of the calling thread and of those that it starts later.
/// 0 or a negative errno.
int lvt_set_niceness(int niceness);

// ---- Program ------------------------------------------------------------------------------------

/// The arguments that glibc gave to the program, as bytes. (Embedded Swift has no CommandLine.)
int lvt_argument_count(void);
const char *lvt_argument(int index);
_Noreturn void lvt_exit(int code);

// ---- Numbers as text ----------------------------------------------------------------------------

/// Writes `value` with `decimals` digits after the point; returns the length.
int lvt_format_fixed(char *out, size_t capacity, double value, int decimals);
/// Writes the shortest text of at most 9 significant digits that reads back as the same float.
int lvt_format_shortest(char *out, size_t capacity, float value);
float lvt_exp(float x);
