/*
 * A library that is loaded before all others and writes down what a process does to the files below one folder: every
 * write with its bytes, every change of a name, and when each sync began and ended. From that the test makes what a disk
 * may hold after a power cut at any moment.
 *
 * ADSUM_CUT_ROOT     the folder, an absolute path without links
 * ADSUM_CUT_JOURNAL  the file that is written, outside of it
 * ADSUM_CUT_SAID     a file outside of it; what is written there stands in the journal as said to the world
 *
 * A record is "kind:u8 inode:u64 at:u64 first:u32 second:u32" (little endian) and the bytes of first and second.
 * sync_file_range is no sync: it writes neither metadata nor the drive's cache. What would change a file in a way that is not
 * written down ends the process.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(real_##name))real((void **)&real_##name, #name))
static void *real(void **function, const char *name) {
    if (!*function) *function = dlsym(RTLD_NEXT, name);
    return *function;
}

static int (*real_open64)(const char *, int, ...);
static int (*real_openat64)(int, const char *, int, ...);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite64)(int, const void *, size_t, off_t);
static int (*real_ftruncate64)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);
static int (*real_linkat)(int, const char *, int, const char *, int);
static int (*real_mkdir)(const char *, mode_t);
static ssize_t (*real_copy_file_range)(int, off_t *, int, off_t *, size_t, unsigned);
static void *(*real_mmap)(void *, size_t, int, int, int, off_t);

#define INODES_MAX 65536
static struct { dev_t dev; ino_t ino; } known[INODES_MAX];
static size_t known_count;
static struct { dev_t dev; ino_t ino; } said;
static uint64_t syncs;
static int journal = -1;
static const char *root;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
    root = getenv("ADSUM_CUT_ROOT");
    const char *path = getenv("ADSUM_CUT_JOURNAL");
    if (root && path) journal = REAL(open64)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void end(const char *why) {
    fprintf(stderr, "power cut shim: %s\n", why);
    abort();
}

static void put(uint8_t kind, uint64_t inode, uint64_t at, const void *first, uint32_t first_bytes, const void *second, uint32_t second_bytes) {
    static uint8_t record[1 << 24];
    size_t length = 25 + (size_t)first_bytes + second_bytes;
    if (length > sizeof record) end("a write is too large");
    record[0] = kind;
    memcpy(record + 1, &inode, 8);
    memcpy(record + 9, &at, 8);
    memcpy(record + 17, &first_bytes, 4);
    memcpy(record + 21, &second_bytes, 4);
    memcpy(record + 25, first, first_bytes);
    if (second_bytes) memcpy(record + 25 + first_bytes, second, second_bytes);
    if (REAL(write)(journal, record, length) != (ssize_t)length) end("the journal cannot be written");
}

static int below(const char *path) {
    size_t length = root ? strlen(root) : 0;
    return journal >= 0 && strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static void learn(const struct stat *found) {
    if (known_count == INODES_MAX) end("too many files");
    known[known_count].dev = found->st_dev;
    known[known_count++].ino = found->st_ino;
}

static int is_known(const struct stat *found) {
    for (size_t each = 0; each < known_count; each++)
        if (known[each].dev == found->st_dev && known[each].ino == found->st_ino) return 1;
    return 0;
}

/* Whether what is behind fd is written down; call with the lock. */
static int tracked(int fd, struct stat *found) {
    return journal >= 0 && fstat(fd, found) == 0 && is_known(found);
}

int open64(const char *path, int flags, ...) {
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    const char *said_path = getenv("ADSUM_CUT_SAID");
    int is_said = journal >= 0 && said_path && strcmp(path, said_path) == 0;
    if (!is_said && !below(path)) return REAL(open64)(path, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat before, after;
    int was_there = stat(path, &before) == 0;
    int fd = REAL(open64)(path, flags, mode), why = errno;
    if (fd >= 0 && fstat(fd, &after) == 0) {
        if (is_said) {
            said.dev = after.st_dev;
            said.ino = after.st_ino;
        } else {
            if (!is_known(&after)) learn(&after);
            if (!was_there) put('C', after.st_ino, 0, path, strlen(path), "", 0);
            else if ((flags & O_TRUNC) && before.st_size > 0) put('T', after.st_ino, 0, "", 0, "", 0);
        }
    }
    pthread_mutex_unlock(&lock);
    errno = why;
    return fd;
}

int open(const char *path, int flags, ...) {
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    return open64(path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...) {
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    if (below(path) && (flags & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR))) end("openat");
    return REAL(openat64)(folder, path, flags, mode);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) {
    if (journal < 0) return REAL(pwrite64)(fd, bytes, length, at);
    pthread_mutex_lock(&lock);
    struct stat found;
    int is_tracked = tracked(fd, &found);
    ssize_t done = REAL(pwrite64)(fd, bytes, length, at);
    int why = errno;
    if (is_tracked && done > 0) put('W', found.st_ino, at, bytes, done, "", 0);
    pthread_mutex_unlock(&lock);
    errno = why;
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return pwrite64(fd, bytes, length, at); }

ssize_t write(int fd, const void *bytes, size_t length) {
    if (journal < 0) return REAL(write)(fd, bytes, length);
    struct stat found;
    if (fstat(fd, &found) != 0) return REAL(write)(fd, bytes, length);
    pthread_mutex_lock(&lock);
    int is_said = said.ino == found.st_ino && said.dev == found.st_dev, is_tracked = is_known(&found);
    if (!is_said && !is_tracked) {
        pthread_mutex_unlock(&lock);
        return REAL(write)(fd, bytes, length);
    }
    off_t at = (fcntl(fd, F_GETFL) & O_APPEND) ? found.st_size : lseek(fd, 0, SEEK_CUR);
    ssize_t done = REAL(write)(fd, bytes, length);
    int why = errno;
    if (done > 0) put(is_said ? 'A' : 'W', found.st_ino, at, bytes, done, "", 0);
    pthread_mutex_unlock(&lock);
    errno = why;
    return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    struct stat found;
    if (journal >= 0 && tracked(fd, &found)) end("writev");
    return REAL(writev)(fd, parts, count);
}

int ftruncate64(int fd, off_t length) {
    pthread_mutex_lock(&lock);
    struct stat found;
    int is_tracked = tracked(fd, &found);
    int done = REAL(ftruncate64)(fd, length), why = errno;
    if (is_tracked && done == 0) put('T', found.st_ino, length, "", 0, "", 0);
    pthread_mutex_unlock(&lock);
    errno = why;
    return done;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int sync_by(int (*sync)(int), int fd) {
    struct stat found;
    pthread_mutex_lock(&lock);
    int is_tracked = tracked(fd, &found);
    uint64_t number = ++syncs;
    if (is_tracked) put('S', found.st_ino, number, "", 0, "", 0);
    pthread_mutex_unlock(&lock);
    int done = sync(fd), why = errno;
    if (is_tracked && done == 0) {
        pthread_mutex_lock(&lock);
        put('E', found.st_ino, number, "", 0, "", 0);
        pthread_mutex_unlock(&lock);
    }
    errno = why;
    return done;
}

int fsync(int fd) { return sync_by(REAL(fsync), fd); }

int fdatasync(int fd) { return sync_by(REAL(fdatasync), fd); }

int rename(const char *from, const char *to) {
    pthread_mutex_lock(&lock);
    int done = REAL(rename)(from, to), why = errno;
    if (done == 0 && below(to)) {
        if (!below(from)) end("a file came from elsewhere");
        put('R', 0, 0, from, strlen(from), to, strlen(to));
    }
    pthread_mutex_unlock(&lock);
    errno = why;
    return done;
}

int unlink(const char *path) {
    pthread_mutex_lock(&lock);
    int done = REAL(unlink)(path), why = errno;
    if (done == 0 && below(path)) put('U', 0, 0, path, strlen(path), "", 0);
    pthread_mutex_unlock(&lock);
    errno = why;
    return done;
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    pthread_mutex_lock(&lock);
    int done = REAL(linkat)(from_folder, from, to_folder, to, flags), why = errno;
    if (done == 0 && below(to)) put('L', 0, 0, from, strlen(from), to, strlen(to));
    pthread_mutex_unlock(&lock);
    errno = why;
    return done;
}

int mkdir(const char *path, mode_t mode) {
    pthread_mutex_lock(&lock);
    struct stat found;
    int done = REAL(mkdir)(path, mode), why = errno;
    if (done == 0 && below(path) && stat(path, &found) == 0) {
        learn(&found);
        put('D', found.st_ino, 0, path, strlen(path), "", 0);
    }
    pthread_mutex_unlock(&lock);
    errno = why;
    return done;
}

ssize_t copy_file_range(int from, off_t *from_at, int to, off_t *to_at, size_t length, unsigned flags) {
    struct stat found;
    if (journal >= 0 && tracked(to, &found)) end("copy_file_range");
    return REAL(copy_file_range)(from, from_at, to, to_at, length, flags);
}

void *mmap(void *where, size_t length, int protection, int flags, int fd, off_t at) {
    struct stat found;
    if (journal >= 0 && fd >= 0 && (flags & MAP_SHARED) && (protection & PROT_WRITE) && tracked(fd, &found)) end("mmap");
    return REAL(mmap)(where, length, protection, flags, fd, at);
}
