// SPDX-License-Identifier: Apache-2.0
//
// Output that destroys nothing.
//
// A regular file is replaced whole: the bytes go to a temporary file of the same folder, which is
// renamed once they are on the disk. A symbolic link stays; the file that it names is replaced.
// Everything else, such as a device or a pipe, is opened and written into.
//
// A program that is killed leaves its temporary file. It holds a lock on it while it lives, so the
// next one that writes into the folder knows which are nobody's and removes them.
#define _GNU_SOURCE
#include "CLVTSystem.h"
#include "path.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STANDARD_OUTPUT = 1,
    MAXIMUM_LINKS = 40, // as the kernel follows
    ATTEMPTS = 16,      // at a temporary name that nobody has
};

void lvt_hold_standard_descriptors(void) {
    for (int descriptor = 0; descriptor <= 2; descriptor++)
        // Reading and writing such a descriptor fails, as with the missing one. The lowest free
        // number is taken, which is this one.
        if (fcntl(descriptor, F_GETFD) < 0 && open("/", O_PATH) != descriptor)
            return;
}

int lvt_write_all(int descriptor, const void *bytes, size_t count) {
    const char *next = bytes;
    while (count > 0) {
        const ssize_t written = write(descriptor, next, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == EAGAIN) { // someone else made it non-blocking
            struct pollfd wanted = {descriptor, POLLOUT, 0};
            poll(&wanted, 1, -1);
            continue;
        }
        if (written < 0)
            return -errno;
        if (written == 0)
            return -EIO;
        next += written;
        count -= (size_t)written;
    }
    return 0;
}

typedef struct {
    const void *head, *body;
    size_t head_count, body_count;
} content;

static int write_content(int descriptor, const content *c) {
    const int error = lvt_write_all(descriptor, c->head, c->head_count);
    return error ? error : lvt_write_all(descriptor, c->body, c->body_count);
}

// Waits until what was written is on the disk, where there is one.
static int synchronize(int descriptor) {
    if (fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP)
        return 0;
    return -errno;
}

static bool is_same(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool is_standard_output(const char *path) {
    struct stat named, standard;
    return strcmp(path, "-") == 0 ||
           (stat(path, &named) == 0 && fstat(STANDARD_OUTPUT, &standard) == 0 &&
            is_same(&named, &standard) && !S_ISCHR(named.st_mode));
}

// ---- The place ----------------------------------------------------------------------------------

// Where a path leads, all symbolic links followed, also one to a file that is not there yet: the
// folder and the name in it.
typedef struct {
    char folder[PATH_MAX];
    char name[NAME_MAX + 1];
} place;

static int split(const char *path, place *p) {
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    if (*path == 0)
        return -ENOENT;
    if (*name == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return -EISDIR;
    if (strlen(name) > NAME_MAX)
        return -ENAMETOOLONG;
    const int length =
        !slash          ? snprintf(p->folder, sizeof p->folder, ".")
        : slash == path ? snprintf(p->folder, sizeof p->folder, "/")
                        : snprintf(p->folder, sizeof p->folder, "%.*s", (int)(slash - path), path);
    strcpy(p->name, name);
    return length < 0 || (size_t)length >= sizeof p->folder ? -ENAMETOOLONG : 0;
}

static int find_place(const char *path, place *p) {
    char current[PATH_MAX], target[PATH_MAX];
    if (strlen(path) >= sizeof current)
        return -ENAMETOOLONG;
    strcpy(current, path);
    for (int links = 0; links <= MAXIMUM_LINKS; links++) {
        const int error = split(current, p);
        if (error)
            return error;
        const ssize_t length = readlink(current, target, sizeof target - 1);
        if (length < 0) // not a link, or nothing
            return errno == EINVAL || errno == ENOENT ? 0 : -errno;
        target[length] = 0;
        char next[2 * PATH_MAX];
        snprintf(next,
                 sizeof next,
                 "%s%s%s",
                 target[0] == '/' ? "" : p->folder,
                 target[0] == '/' ? "" : "/",
                 target);
        if (strlen(next) >= sizeof current)
            return -ENAMETOOLONG;
        strcpy(current, next);
    }
    return -ELOOP;
}

typedef enum { REPLACED, WRITTEN_INTO } treatment;

// Whether a file is replaced or written into; a negative errno if neither can be.
static int treat(const char *path, struct stat *status, treatment *how) {
    *status = (struct stat){0};
    *how = REPLACED;
    if (stat(path, status) != 0)
        return errno == ENOENT ? 0 : -errno;
    if (S_ISDIR(status->st_mode))
        return -EISDIR;
    if (S_ISREG(status->st_mode))
        return 0;
    *how = WRITTEN_INTO;
    return S_ISSOCK(status->st_mode) ? -ENXIO : 0;
}

static int check(const char *path) {
    if (is_standard_output(path)) {
        const int flags = fcntl(STANDARD_OUTPUT, F_GETFL);
        if (flags < 0)
            return -errno;
        return flags & O_PATH || (flags & O_ACCMODE) == O_RDONLY ? -EBADF : 0;
    }
    struct stat status;
    treatment how;
    place p;
    int error = treat(path, &status, &how);
    if (error == 0 && status.st_nlink > 0 && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0)
        error = -errno;
    if (error || how == WRITTEN_INTO)
        return error;
    error = find_place(path, &p);
    if (error == 0 && faccessat(AT_FDCWD, p.folder, W_OK | X_OK, AT_EACCESS) != 0)
        error = -errno;
    struct stat folder;
    if (error == 0 && stat(p.folder, &folder) == 0 && !S_ISDIR(folder.st_mode))
        error = -ENOTDIR;
    return error;
}

// ---- Temporary files ----------------------------------------------------------------------------

// ".lvt-", 16 hexadecimal digits, ".part".
static const char prefix[] = ".lvt-", suffix[] = ".part";
enum { DIGITS = 16, TEMPORARY_LENGTH = sizeof prefix - 1 + DIGITS + sizeof suffix - 1 };

static bool is_temporary(const char *name) {
    const char *digits = name + sizeof prefix - 1;
    return strlen(name) == TEMPORARY_LENGTH && strncmp(name, prefix, sizeof prefix - 1) == 0 &&
           strspn(digits, "0123456789abcdef") == DIGITS && strcmp(digits + DIGITS, suffix) == 0;
}

// Removes the temporary files of programs that were killed: this user's that nobody has locked.
static void remove_stale(int folder) {
    const int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    if (!entries) {
        lvt_close(copy);
        return;
    }
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (!is_temporary(entry->d_name))
            continue;
        const int file =
            openat(folder, entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        struct stat status;
        // A name is used once, so it cannot have become another file's.
        if (file >= 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
            status.st_uid == geteuid() && flock(file, LOCK_EX | LOCK_NB) == 0)
            unlinkat(folder, entry->d_name, 0);
        lvt_close(file);
    }
    closedir(entries);
}

// Makes a temporary file and locks it: its descriptor, or a negative errno.
static int create_temporary(int folder, char name[TEMPORARY_LENGTH + 1]) {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        uint64_t number;
        if (getrandom(&number, sizeof number, 0) != sizeof number)
            return -EAGAIN;
        snprintf(
            name, TEMPORARY_LENGTH + 1, "%s%016llx%s", prefix, (unsigned long long)number, suffix);
        const int file =
            openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (file < 0 && errno == EEXIST)
            continue;
        if (file < 0)
            return -errno;
        struct stat status;
        // Without locks nothing is removed either. Another program may have looked at the file
        // before it was locked, and removed it.
        const bool is_refused = flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
        if (!is_refused && fstat(file, &status) == 0 && status.st_nlink > 0)
            return file;
        close(file);
    }
    return -EEXIST;
}

// ---- Writing ------------------------------------------------------------------------------------

// Gives a file the owner and the permissions of the one that it replaces.
static int adopt(int file, const struct stat *old) {
    struct stat status;
    if (old->st_nlink == 0) // there is none
        return 0;
    if (fstat(file, &status) != 0)
        return -errno;
    if ((status.st_uid != old->st_uid || status.st_gid != old->st_gid) &&
        fchown(file, old->st_uid, old->st_gid) != 0 && errno != EPERM)
        return -errno;
    return fchmod(file, old->st_mode & 0777) == 0 ? 0 : -errno;
}

// Whether the name still is the file that was looked at, or still free.
static bool is_unchanged(int folder, const char *name, const struct stat *old) {
    struct stat status;
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT && old->st_nlink == 0;
    return is_same(&status, old);
}

static int replace(const place *p, const struct stat *old, const content *c) {
    const int folder = open(p->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -errno;
    remove_stale(folder);
    char name[TEMPORARY_LENGTH + 1];
    const int file = create_temporary(folder, name);
    int error = file < 0 ? file : write_content(file, c);
    if (error == 0)
        error = adopt(file, old);
    if (error == 0)
        error = synchronize(file);
    if (error == 0 && !is_unchanged(folder, p->name, old))
        error = -EBUSY;
    if (error == 0 && renameat(folder, name, folder, p->name) != 0)
        error = -errno;
    if (error != 0 && file >= 0)
        unlinkat(folder, name, 0);
    else if (error == 0)
        error = synchronize(folder);
    if (file >= 0 && close(file) != 0 && error == 0)
        error = -errno;
    close(folder);
    return error;
}

static int write_opened(const char *path, const struct stat *seen, const content *c) {
    const int file = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    if (file < 0)
        return -errno;
    struct stat status;
    int error = fstat(file, &status) != 0 ? -errno : is_same(&status, seen) ? 0 : -EBUSY;
    if (error == 0)
        error = write_content(file, c);
    if (error == 0)
        error = synchronize(file);
    if (close(file) != 0 && error == 0)
        error = -errno;
    return error;
}

static int write_into(const char *path, const struct stat *seen, const content *c) {
    // A reader that goes away is an error that is told, and no signal.
    struct sigaction old, ignored = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignored, &old);
    const int error = write_opened(path, seen, c);
    sigaction(SIGPIPE, &old, NULL);
    return error;
}

static int write_file(const char *path, const content *c) {
    int error = check(path);
    if (error)
        return error;
    if (is_standard_output(path))
        return write_content(STANDARD_OUTPUT, c);
    struct stat status;
    treatment how;
    place p;
    error = treat(path, &status, &how);
    if (error == 0 && how == WRITTEN_INTO)
        return write_into(path, &status, c);
    if (error == 0)
        error = find_place(path, &p);
    return error ? error : replace(&p, &status, c);
}

// ---- With paths as text -------------------------------------------------------------------------

bool lvt_is_standard_output(const char *text) {
    char path[PATH_MAX];
    return lvt_path_bytes(text, path) == 0 && is_standard_output(path);
}

static bool look_at(const char *text, struct stat *status) {
    char path[PATH_MAX];
    return lvt_path_bytes(text, path) == 0 && stat(path, status) == 0;
}

bool lvt_is_same_file(const char *input, const char *path) {
    struct stat read, written;
    const bool is_there =
        strcmp(input, "-") == 0 ? fstat(STDIN_FILENO, &read) == 0 : look_at(input, &read);
    return is_there && S_ISREG(read.st_mode) && strcmp(path, "-") != 0 && look_at(path, &written) &&
           is_same(&read, &written);
}

bool lvt_is_link(const char *text) {
    char path[PATH_MAX];
    struct stat status;
    return lvt_path_bytes(text, path) == 0 && lstat(path, &status) == 0 && S_ISLNK(status.st_mode);
}

int lvt_make_folder(const char *text) {
    char path[PATH_MAX];
    const int error = lvt_path_bytes(text, path);
    struct stat status;
    if (error || mkdir(path, 0777) == 0)
        return error;
    if (errno != EEXIST)
        return -errno;
    if (stat(path, &status) != 0) // a link to nothing
        return -errno;
    return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
}

bool lvt_is_same_folder(const char *a, const char *b) {
    struct stat first, second;
    return look_at(a, &first) && look_at(b, &second) && S_ISDIR(first.st_mode) &&
           is_same(&first, &second);
}

int lvt_check_output(const char *text) {
    char path[PATH_MAX];
    const int error = lvt_path_bytes(text, path);
    return error ? error : check(path);
}

int lvt_write_file(
    const char *text, const void *head, size_t head_count, const void *body, size_t body_count) {
    char path[PATH_MAX];
    const content c = {head, body, head_count, body_count};
    const int error = lvt_path_bytes(text, path);
    return error ? error : write_file(path, &c);
}
