/*
 * Lines of `cleat import`. The input says what is changed in the export of a file that has rows in every table. Whatever
 * is imported then is a file that an engine opens and goes on with, and of which the rules of `cleat check` hold then,
 * too: nothing that an engine cannot bear gets past the rules.
 */
#include "collector/check.h"
#include "engine/core.h"
#include "store/export.h"
#include "store/import.h"
#include "store/table.h"
#include "support/checked_file.h"
#include "support/full_file.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define check(condition) ((condition) ? (void)0 : fail(#condition, __LINE__))

static json_t *exported; /* the lines, without the last */
static json_t *changed;  /* those at hand */

static void fail(const char *condition, int line)
{
    const json_t *row;
    size_t i;
    fprintf(stderr, "line %d: not so: %s; last message: %s\n", line, condition, cleat_error_message());
    json_array_foreach(changed, i, row)
    {
        if (!json_equal(row, json_array_get(exported, i))) {
            fprintf(stderr, "  changed line %zu: ", i + 1);
            json_dumpf(row, stderr, JSON_COMPACT | JSON_ENCODE_ANY);
            fprintf(stderr, "\n");
        }
    }
    abort();
}

/* Nothing here is to outlive the machine. */
int fsync(int fd)
{
    (void)fd;
    return 0;
}

int fdatasync(int fd)
{
    (void)fd;
    return 0;
}

/* ---- The export ---- */

static cleat__tables tables;
static char directory[256], full_path[300], new_path[300];

static cleat_status keep_line(void *argument, cleat_slice line)
{
    json_t *row = json_loadb(line.data, line.size, 0, NULL);
    (void)argument;
    check(row != NULL);
    if (json_object_get(row, "rows") != NULL) {
        json_decref(row);
    } else {
        json_array_append_new(exported, row);
    }
    return CLEAT_OK;
}

static void remove_file(const char *name) /* its path */
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-lock", "-partial"};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
        char path[320];
        (void)snprintf(path, sizeof(path), "%s%s", name, suffixes[i]);
        (void)unlink(path);
    }
}

static void leave(void)
{
    remove_file(full_path);
    remove_file(new_path);
    (void)rmdir(directory);
}

static void make_export(void)
{
    cleat__store *store = NULL;
    exported = json_array();
    check(cleat__store_open(full_path, CLEAT__STORE_WRITE_UNSYNCED, &store) == CLEAT_OK);
    check(sqlite3_exec(cleat__store_db(store), full_tables, NULL, NULL, NULL) == SQLITE_OK);
    check(sqlite3_exec(cleat__store_db(store), full_spans, NULL, NULL, NULL) == SQLITE_OK);
    check(cleat__export(store, keep_line, NULL) == CLEAT_OK);
    check(cleat__tables_init(&tables, cleat__store_db(store)) == CLEAT_OK);
    cleat__store_close(store);
    check(json_array_size(exported) > 60);
}

/* ---- What is changed ---- */

typedef struct script {
    const uint8_t *at, *end;
} script;

static uint8_t take(script *from)
{
    return from->at < from->end ? *from->at++ : 0;
}

static json_t *take_row(script *from, const json_t *lines)
{
    size_t at = take(from);
    return json_array_get(lines, at % json_array_size(lines));
}

/* A name that the row's table has; of the first line, which is no row, one that it has. */
static const char *take_column(script *from, const json_t *row)
{
    static const char *const of_first[] = {"cleat", "format", "schema", "table"};
    const char *name = json_string_value(json_object_get(row, "table"));
    const cleat__table *table = name != NULL ? cleat__tables_find(&tables, cleat_slice_of(name)) : NULL;
    size_t at = take(from);
    return table != NULL ? table->columns[at % table->count].name : of_first[at % 4];
}

static json_t *take_number(script *from)
{
    static const json_int_t numbers[] = {0,
                                         1,
                                         -1,
                                         2,
                                         3,
                                         4,
                                         5,
                                         100,
                                         1000,
                                         INT32_MAX,
                                         INT32_MIN,
                                         (json_int_t)INT32_MAX + 1,
                                         UINT32_MAX,
                                         (json_int_t)UINT32_MAX + 1,
                                         1700000000000,
                                         INT64_MAX,
                                         INT64_MIN,
                                         INT64_MAX - 1000};
    return json_integer(numbers[take(from) % (sizeof(numbers) / sizeof(*numbers))]);
}

static json_t *take_text(script *from)
{
    size_t size = take(from), left = (size_t)(from->end - from->at);
    size = size < left ? size : left;
    json_t *text = json_stringn((const char *)from->at, size);
    from->at += size;
    return text != NULL ? text : json_string("\x01"); /* no UTF-8 */
}

/* As texts that are no UTF-8, and bytes that are no UUID, are written. */
static json_t *take_hex(script *from)
{
    char hex[2 * 20 + 1];
    uint8_t kind = take(from);
    size_t size = kind / 2 % 20;
    for (size_t i = 0; i < size; i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", take(from));
    }
    hex[2 * size] = '\0';
    return json_pack("{s:s}", kind % 2 != 0 ? "hex" : "text_hex", hex);
}

/* What another row has, in the same column or in any. */
static json_t *take_other(script *from, const json_t *lines, const char *column)
{
    json_t *row = take_row(from, lines);
    const json_t *value = json_object_get(row, column);
    return json_deep_copy(value != NULL ? value : json_object_get(row, take_column(from, row)));
}

/* One byte of it is another one. */
static json_t *take_change(script *from, const json_t *value)
{
    size_t size = json_string_length(value), place = take(from);
    uint8_t byte = take(from);
    if (json_is_integer(value)) {
        uint64_t number = (uint64_t)json_integer_value(value) + place - 128;
        return json_integer((json_int_t)number);
    }
    if (size == 0 || byte >= 128) {
        return json_null();
    }
    char *text = malloc(size);
    check(text != NULL);
    memcpy(text, json_string_value(value), size);
    text[place % size] = (char)(byte != 0 ? byte : ' ');
    json_t *other = json_stringn(text, size);
    free(text);
    return other != NULL ? other : json_null();
}

static void set_value(script *from, json_t *lines)
{
    json_t *row = take_row(from, lines), *value = NULL;
    const char *column = take_column(from, row);
    switch (take(from) % 8) {
    case 0: break; /* NULL */
    case 1: value = take_number(from); break;
    case 2: value = json_integer((int8_t)take(from)); break;
    case 3: value = take_text(from); break;
    case 4: value = take_hex(from); break;
    case 5: value = take_other(from, lines, column); break;
    case 6: value = json_real((int8_t)take(from) / 4.0); break;
    default: value = take_change(from, json_object_get(row, column)); break;
    }
    if (value != NULL) {
        json_object_set_new(row, column, value);
    } else {
        json_object_del(row, column);
    }
}

static void change(script *from, json_t *lines)
{
    size_t count = json_array_size(lines);
    uint8_t kind = take(from);
    if (kind < 0xe0) {
        set_value(from, lines);
    } else if (kind < 0xe8) {
        json_array_remove(lines, take(from) % count);
    } else if (kind < 0xf8) {
        json_t *copy = json_deep_copy(json_array_get(lines, take(from) % count));
        json_object_set_new(copy, take_column(from, copy), take_number(from)); /* else it has a key twice */
        json_array_append_new(lines, copy);
    } else {
        json_array_set_new(lines, take(from) % count, take_text(from)); /* the line itself */
    }
}

/* ---- Import ---- */

typedef struct reading {
    const json_t *lines;
    size_t next;
    char *line;
    char last[32];
} reading;

/* A line that is a text stands for itself, the others are objects. */
static cleat_status read_line(void *argument, cleat_slice *line)
{
    reading *it = argument;
    size_t count = json_array_size(it->lines);
    if (it->next > count) {
        return CLEAT_EMPTY;
    }
    if (it->next++ == count) {
        (void)snprintf(it->last, sizeof(it->last), "{\"rows\":%zu}", count - 1);
        *line = cleat_slice_of(it->last);
        return CLEAT_OK;
    }
    const json_t *row = json_array_get(it->lines, it->next - 1);
    free(it->line);
    it->line = json_is_string(row) ? strdup(json_string_value(row)) : json_dumps(row, JSON_COMPACT);
    check(it->line != NULL);
    *line = cleat_slice_of(it->line);
    return CLEAT_OK;
}

static bool import_lines(const json_t *lines)
{
    reading from = {.lines = lines};
    const cleat__import_options options = {
        .path = new_path, .read = read_line, .argument = &from, .check = cleat__check_spans};
    cleat__import_result result;
    cleat_status status = cleat__import(&options, &result);
    free(from.line);
    check(status == CLEAT_OK || status == CLEAT_INVALID_ARGUMENT || status == CLEAT_FAILED_PRECONDITION);
    check((access(new_path, F_OK) == 0) == (status == CLEAT_OK));
    return status == CLEAT_OK;
}

/* ---- What was imported ---- */

static void go_on(void)
{
    const cleat__core_options options = {.path = new_path, .mode = CLEAT__STORE_WRITE_UNSYNCED, .seed = 1};
    cleat__now now = {.unix_ms = 1700000000000, .monotonic_ms = 5000};
    cleat__core *core = NULL;
    check(cleat__core_open(&options, now, &core) == CLEAT_OK);
    for (int i = 0; i < 8; i++) {
        now.unix_ms += (int64_t)60000 << i;
        now.monotonic_ms += (int64_t)60000 << i;
        cleat__core_run(core, now);
        cleat__core_commit(core);
        cleat__core_release(core);
        cleat__core_tell(core);
    }
    check(cleat__core_failure(core) == CLEAT_OK);
    cleat__core_close(core);
    const char *wrong = checked_file(new_path);
    if (wrong != NULL) {
        fail(wrong, __LINE__);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    script from = {data, data + size};
    changed = json_deep_copy(exported);
    check(changed != NULL);
    for (int i = 0; i < 8 && from.at < from.end && json_array_size(changed) != 0; i++) {
        change(&from, changed);
    }
    if (json_array_size(changed) != 0 && import_lines(changed)) {
        go_on();
    }
    remove_file(new_path);
    json_decref(changed);
    changed = NULL;
    return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    const char *temporary = getenv("TMPDIR");
    (void)snprintf(directory, sizeof(directory), "%s/import-fuzz-XXXXXX",
                   temporary != NULL ? temporary : "/tmp");
    check(mkdtemp(directory) != NULL);
    (void)snprintf(full_path, sizeof(full_path), "%s/full.db", directory);
    (void)snprintf(new_path, sizeof(new_path), "%s/new.db", directory);
    make_export();
    (void)atexit(leave);
    return 0;
}
