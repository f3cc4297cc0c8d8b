/* The least that a process can do for the same files: no spec, no rendering, no digests.
 *
 *   floor check BLOB ROOT    lstats, opens, reads, closes and compares each file with the bytes that it has
 *   floor render BLOB ROOT   makes the folders and writes each file below ROOT
 *   floor pack BLOB ROOT     makes the blob of the paths, relative to ROOT, on standard input
 *   floor peak PROGRAM ...   runs a program without its output and prints the most memory that it had, in kB
 *
 * The blob stands for the spec: it is read whole, once. It holds, for each file, the path and the bytes, each
 * behind its length (size_t), and it is made on the machine that reads it. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what, const char *path)
{
    fprintf(stderr, "floor: %s %s: %s\n", what, path, strerror(errno));
    exit(3);
}

static int open_or_fail(const char *path, int flags, mode_t mode)
{
    int file = open(path, flags, mode);
    if (file < 0)
        fail("open", path);
    return file;
}

/* Reads as much as the buffer holds, or the file has. */
static size_t read_all(int file, char *buffer, size_t size, const char *path)
{
    size_t filled = 0;
    while (filled < size) {
        ssize_t count = read(file, buffer + filled, size - filled);
        if (count < 0)
            fail("read", path);
        if (count == 0)
            break;
        filled += (size_t)count;
    }
    return filled;
}

static void write_all(int file, const char *bytes, size_t size, const char *path)
{
    while (size > 0) {
        ssize_t count = write(file, bytes, size);
        if (count < 0)
            fail("write", path);
        bytes += count;
        size -= (size_t)count;
    }
}

static char *allocate(size_t size)
{
    char *bytes = malloc(size + 1);
    if (!bytes)
        fail("allocate", "");
    return bytes;
}

/* The whole file, and its size. */
static char *slurp(const char *path, size_t *size)
{
    struct stat status;
    if (lstat(path, &status) < 0)
        fail("stat", path);
    int file = open_or_fail(path, O_RDONLY | O_CLOEXEC, 0);
    char *bytes = allocate((size_t)status.st_size);
    *size = read_all(file, bytes, (size_t)status.st_size, path);
    close(file);
    return bytes;
}

static void pack(const char *blob)
{
    char path[4096];
    int out = open_or_fail(blob, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    while (fgets(path, sizeof path, stdin)) {
        path[strcspn(path, "\n")] = '\0';
        size_t length = strlen(path) + 1, size;
        char *bytes = slurp(path, &size);
        write_all(out, (char *)&length, sizeof length, blob);
        write_all(out, path, length, blob);
        write_all(out, (char *)&size, sizeof size, blob);
        write_all(out, bytes, size, blob);
        free(bytes);
    }
    close(out);
}

static void check(const char *path, const char *bytes, size_t size, char **buffer, size_t *room)
{
    struct stat status;
    if (lstat(path, &status) < 0)
        fail("stat", path);
    if ((size_t)status.st_size > *room) {
        free(*buffer);
        *room = (size_t)status.st_size;
        *buffer = allocate(*room);
    }
    int file = open_or_fail(path, O_RDONLY | O_CLOEXEC, 0);
    size_t filled = read_all(file, *buffer, (size_t)status.st_size, path);
    close(file);
    if (filled != size || memcmp(*buffer, bytes, size) != 0) {
        fprintf(stderr, "floor: %s differs\n", path);
        exit(1);
    }
}

static void render(const char *path, const char *bytes, size_t size)
{
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    int file = open(path, flags, 0666);
    if (file < 0 && errno == ENOENT) {
        char folder[4096];
        for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
            snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
            if (mkdir(folder, 0777) < 0 && errno != EEXIST)
                fail("mkdir", folder);
        }
        file = open_or_fail(path, flags, 0666);
    }
    if (file < 0)
        fail("open", path);
    write_all(file, bytes, size, path);
    close(file);
}

static int peak(char **command)
{
    struct rusage usage;
    int status;
    pid_t child = fork();
    if (child < 0)
        fail("fork", "");
    if (child == 0) {
        dup2(open_or_fail("/dev/null", O_WRONLY, 0), STDOUT_FILENO);
        execv(command[0], command);
        fail("run", command[0]);
    }
    if (wait4(child, &status, 0, &usage) < 0)
        fail("wait for", command[0]);
    printf("%ld\n", usage.ru_maxrss);
    return status != 0;
}

/* A length, and where what it counts begins. */
static const char *next(const char *at, size_t *length)
{
    memcpy(length, at, sizeof *length);
    return at + sizeof *length;
}

int main(int count, char **arguments)
{
    if (count > 2 && strcmp(arguments[1], "peak") == 0)
        return peak(arguments + 2);
    if (count != 4) {
        fputs("usage: floor check|render|pack BLOB ROOT, floor peak PROGRAM ...\n", stderr);
        return 2;
    }
    const char *blob = arguments[2];
    if (strcmp(arguments[1], "pack") == 0) {
        if (chdir(arguments[3]) < 0)
            fail("enter", arguments[3]);
        pack(blob);
        return 0;
    }
    int writes = strcmp(arguments[1], "render") == 0;
    size_t total, length, room = 0, files = 0;
    char *all = slurp(blob, &total), *buffer = NULL;
    if (chdir(arguments[3]) < 0)
        fail("enter", arguments[3]);
    for (const char *at = all; at < all + total; at += length) {
        const char *path = next(at, &length);
        at = next(path + length, &length);
        if (writes)
            render(path, at, length);
        else
            check(path, at, length, &buffer, &room);
        files++;
    }
    printf("%zu files\n", files);
    return 0;
}
