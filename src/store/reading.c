/*
 * A file in WAL mode is read with two others, FILE-wal and FILE-shm, which SQLite makes where they are missing. On a
 * medium that is read-only, or in a directory of somebody else, it cannot; and there a backup lies. So a file beside
 * which is nothing, and can be nothing, is opened as one that nobody changes (SQLite's immutable=1), without locks.
 * Where there is a FILE-shm somebody may be using the file, and SQLite reads that as it is.
 */
#include "store/reading.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/percent.h"
#include "store/sqlite_error.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 5000

typedef struct surroundings {
    bool may_write_file, may_write_directory;
    bool has_log; /* with something in it */
    bool has_empty_log, has_shared;
} surroundings;

/* Of a file beside it; -1: there is none. */
static int64_t size_beside(const char *path, const char *suffix)
{
    struct stat info;
    char *name = sqlite3_mprintf("%s%s", path, suffix);
    bool is_there = name != NULL && stat(name, &info) == 0;
    sqlite3_free(name);
    return is_there ? (int64_t)info.st_size : -1;
}

static cleat_status look(const char *path, surroundings *out)
{
    int64_t log_size = size_beside(path, "-wal");
    char *directory = cleat__strdup(path); /* which is absolute */
    if (directory == NULL) {
        return cleat__fail_memory();
    }
    directory[strrchr(directory, '/') - directory + 1] = '\0';
    *out = (surroundings){
        .may_write_file = access(path, W_OK) == 0,
        .may_write_directory = access(directory, W_OK) == 0,
        .has_log = log_size > 0,
        .has_empty_log = log_size == 0,
        .has_shared = size_beside(path, "-shm") >= 0,
    };
    cleat__free(directory);
    return CLEAT_OK;
}

static cleat_status choose(const char *path, bool *is_still)
{
    surroundings of = {.has_log = false};
    cleat_status status = look(path, &of);
    if (status != CLEAT_OK) {
        return status;
    }
    if (of.has_log && !of.has_shared && !of.may_write_directory) {
        return cleat__fail(
            CLEAT_READ_ONLY,
            "%s has a log, %s-wal, which cannot be read where nothing can be written: copy both "
            "to a directory that can be written, and use the copy",
            path, path);
    }
    bool is_alone = !of.has_log && !(of.has_empty_log && of.has_shared);
    *is_still = is_alone && !(of.may_write_file && of.may_write_directory);
    return CLEAT_OK;
}

/* NULL: no memory. The caller frees it. */
static char *still_uri(const char *path)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
    cleat__buffer uri = {0};
    cleat__buffer_append_string(&uri, "file:");
    for (; *path != '\0'; path++) {
        if (strchr(plain, *path) != NULL) {
            cleat__buffer_append_byte(&uri, (uint8_t)*path);
        } else {
            char escaped[CLEAT__PERCENT_SIZE];
            cleat__percent_put(escaped, (uint8_t)*path);
            cleat__buffer_append(&uri, escaped, sizeof(escaped));
        }
    }
    cleat__buffer_append_string(&uri, "?immutable=1");
    return cleat__buffer_take_string(&uri);
}

cleat_status cleat__reading_open(const char *path, sqlite3 **out, bool *is_still)
{
    *out = NULL;
    *is_still = false;
    cleat_status status = choose(path, is_still);
    if (status != CLEAT_OK) {
        return status;
    }
    char *uri = *is_still ? still_uri(path) : NULL;
    if (*is_still && uri == NULL) {
        return cleat__fail_memory();
    }
    int flags = *is_still ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI : SQLITE_OPEN_READWRITE;
    int code = sqlite3_open_v2(*is_still ? uri : path, out, flags | SQLITE_OPEN_NOMUTEX, NULL);
    cleat__free(uri);
    if (code != SQLITE_OK) {
        return *out != NULL ? cleat__sqlite_error(*out, "opening it") : cleat__fail_memory();
    }
    sqlite3_extended_result_codes(*out, 1);
    sqlite3_busy_timeout(*out, BUSY_TIMEOUT_MS);
    return CLEAT_OK;
}
