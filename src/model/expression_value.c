#include "model/expression_value.h"

#include <math.h>
#include <stdio.h>

/* JSON of a peer may be nested as deep as jansson lets it; two such values are not compared. */
enum { DEEPEST_COMPARED = 200 };

bool cleat__cel_fail(cleat__cel_run *run, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(run->message, sizeof(run->message), format, arguments);
    va_end(arguments);
    run->status = CLEAT_INVALID_ARGUMENT;
    return false;
}

bool cleat__cel_step(cleat__cel_run *run, size_t steps, size_t bytes)
{
    steps += bytes / CLEAT__EXPRESSION_STEP_BYTES;
    if (steps <= run->steps) {
        run->steps -= steps;
        return true;
    }
    run->steps = 0;
    if (run->steps_given < CLEAT__EXPRESSION_STEPS_MAX) {
        cleat__cel_fail(run,
                        "takes too many steps together with those of the same call: start fewer with one");
    } else {
        cleat__cel_fail(run, "takes more than %zu steps", CLEAT__EXPRESSION_STEPS_MAX);
    }
    run->status = CLEAT_RESOURCE_EXHAUSTED;
    return false;
}

void *cleat__cel_get(cleat__cel_run *run, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        count = SIZE_MAX / size; /* which is above the bound, too */
    }
    void *memory = cleat__arena_get(&run->memory, count * size);
    if (memory == NULL) {
        bool is_full = cleat__arena_is_full(&run->memory, count * size);
        cleat__cel_fail(run, "takes more than %zu bytes of memory", CLEAT__EXPRESSION_MEMORY_MAX);
        run->status = is_full ? CLEAT_RESOURCE_EXHAUSTED : CLEAT_NO_MEMORY;
    }
    return memory;
}

/* ---- Making them ---- */

const char *cleat__cel_kind_name(cleat__cel_kind kind)
{
    static const char *const names[] = {
#define KIND_NAME(name, text) text,
        CLEAT__CEL_KINDS(KIND_NAME)
#undef KIND_NAME
    };
    return names[kind];
}

const char *cleat__cel_kinds_name(cleat__cel_kinds kinds, char text[CLEAT__CEL_KINDS_SIZE])
{
    size_t size = 0;
    if (kinds == CLEAT__CEL_ANY || kinds == CLEAT__CEL_OF_JSON) {
        (void)snprintf(text, CLEAT__CEL_KINDS_SIZE, "%s",
                       kinds == CLEAT__CEL_ANY ? "any" : "JSON (whose numbers are doubles)");
        return text;
    }
    text[0] = '\0';
    for (cleat__cel_kind kind = CLEAT__CEL_NULL; kind <= CLEAT__CEL_TYPE; kind++) {
        if (((kinds >> kind) & 1) != 0) {
            const char *between = size == 0 ? "" : kinds >> (kind + 1) == 0 ? " or " : ", ";
            size += (size_t)snprintf(text + size, CLEAT__CEL_KINDS_SIZE - size, "%s%s", between,
                                     cleat__cel_kind_name(kind));
        }
    }
    return text;
}

cleat__cel_value cleat__cel_bool(bool value)
{
    return (cleat__cel_value){.kind = CLEAT__CEL_BOOL, .as.boolean = value};
}

cleat__cel_value cleat__cel_int(int64_t value)
{
    return (cleat__cel_value){.kind = CLEAT__CEL_INT, .as.integer = value};
}

cleat__cel_value cleat__cel_uint(uint64_t value)
{
    return (cleat__cel_value){.kind = CLEAT__CEL_UINT, .as.natural = value};
}

cleat__cel_value cleat__cel_double(double value)
{
    return (cleat__cel_value){.kind = CLEAT__CEL_DOUBLE, .as.real = value};
}

cleat__cel_value cleat__cel_string(cleat_slice text)
{
    return (cleat__cel_value){.kind = CLEAT__CEL_STRING, .as.text = text};
}

cleat__cel_value cleat__cel_list(const cleat__cel_value *items, size_t count)
{
    return (cleat__cel_value){.kind = CLEAT__CEL_LIST, .as.many = {.items = items, .count = count}};
}

cleat__cel_value cleat__cel_json(json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return (cleat__cel_value){.kind = CLEAT__CEL_MAP,
                                  .as.many = {.json = json, .count = json_object_size(json)}};
    case JSON_ARRAY:
        return (cleat__cel_value){.kind = CLEAT__CEL_LIST,
                                  .as.many = {.json = json, .count = json_array_size(json)}};
    case JSON_STRING:
        return cleat__cel_string((cleat_slice){json_string_value(json), json_string_length(json)});
    case JSON_INTEGER:
    case JSON_REAL: return cleat__cel_double(json_number_value(json));
    case JSON_TRUE:
    case JSON_FALSE: return cleat__cel_bool(json_is_true(json));
    case JSON_NULL: break;
    }
    return (cleat__cel_value){.kind = CLEAT__CEL_NULL};
}

/* ---- Lists and maps ---- */

size_t cleat__cel_count(const cleat__cel_value *many)
{
    return many->as.many.count;
}

cleat__cel_value cleat__cel_at(const cleat__cel_value *list, size_t index)
{
    json_t *json = list->as.many.json;
    return json != NULL ? cleat__cel_json(json_array_get(json, index)) : list->as.many.items[index];
}

static void copy_keys(const cleat__cel_value *map, cleat__cel_value *keys)
{
    json_t *json = map->as.many.json;
    if (json != NULL) {
        for (void *at = json_object_iter(json); at != NULL; at = json_object_iter_next(json, at)) {
            *keys++ =
                cleat__cel_string((cleat_slice){json_object_iter_key(at), json_object_iter_key_len(at)});
        }
        return;
    }
    for (size_t i = 0; i < map->as.many.count; i++) {
        keys[i] = map->as.many.items[2 * i];
    }
}

bool cleat__cel_elements(cleat__cel_run *run, const cleat__cel_value *many, const cleat__cel_value **items)
{
    size_t count = cleat__cel_count(many);
    if (many->kind == CLEAT__CEL_LIST && many->as.many.json == NULL) {
        *items = many->as.many.items;
        return true;
    }
    if (!cleat__cel_step(run, count, 0)) {
        return false;
    }
    cleat__cel_value *copies = cleat__cel_get(run, count, sizeof(*copies));
    if (copies == NULL) {
        return false;
    }
    if (many->kind == CLEAT__CEL_MAP) {
        copy_keys(many, copies);
    } else {
        for (size_t i = 0; i < count; i++) {
            copies[i] = cleat__cel_at(many, i);
        }
    }
    *items = copies;
    return true;
}

bool cleat__cel_find(cleat__cel_run *run, const cleat__cel_value *map, const cleat__cel_value *key,
                     bool *found, cleat__cel_value *out)
{
    *found = false;
    json_t *json = map->as.many.json;
    if (json != NULL) {
        json_t *value = key->kind == CLEAT__CEL_STRING
                            ? json_object_getn(json, key->as.text.data, key->as.text.size)
                            : NULL;
        *found = value != NULL;
        if (*found) {
            *out = cleat__cel_json(value);
        }
        return true;
    }
    for (size_t i = 0; i < map->as.many.count && !*found; i++) {
        if (!cleat__cel_equals(run, &map->as.many.items[2 * i], key, found)) {
            return false;
        }
        if (*found) {
            *out = map->as.many.items[2 * i + 1];
        }
    }
    return true;
}

/* ---- Comparing them ---- */

bool cleat__cel_is_number(const cleat__cel_value *value)
{
    return value->kind == CLEAT__CEL_INT || value->kind == CLEAT__CEL_UINT ||
           value->kind == CLEAT__CEL_DOUBLE;
}

static int order_of_integers(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int order_of_naturals(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* By the value, not by what is left of it in the other type: 2^53 + 1 is more than 9007199254740992.0. */
static int order_with_double(const cleat__cel_value *a, double b)
{
    if (isnan(b)) {
        return CLEAT__CEL_UNORDERED;
    }
    double whole = trunc(b);
    int order;
    if (a->kind == CLEAT__CEL_INT) {
        if (b >= 0x1p63 || b < -0x1p63) {
            return b > 0 ? -1 : 1;
        }
        order = order_of_integers(a->as.integer, (int64_t)whole);
    } else {
        if (b >= 0x1p64 || b < 0) {
            return b > 0 ? -1 : 1;
        }
        order = order_of_naturals(a->as.natural, (uint64_t)whole);
    }
    return order != 0 ? order : whole < b ? -1 : whole > b;
}

static int order_of_numbers(const cleat__cel_value *a, const cleat__cel_value *b)
{
    if (a->kind == CLEAT__CEL_DOUBLE && b->kind == CLEAT__CEL_DOUBLE) {
        if (isnan(a->as.real) || isnan(b->as.real)) {
            return CLEAT__CEL_UNORDERED;
        }
        return a->as.real < b->as.real ? -1 : a->as.real > b->as.real;
    }
    if (b->kind == CLEAT__CEL_DOUBLE) {
        return order_with_double(a, b->as.real);
    }
    if (a->kind == CLEAT__CEL_DOUBLE) {
        int order = order_with_double(b, a->as.real);
        return order == CLEAT__CEL_UNORDERED ? order : -order;
    }
    if (a->kind == b->kind) {
        return a->kind == CLEAT__CEL_INT ? order_of_integers(a->as.integer, b->as.integer)
                                         : order_of_naturals(a->as.natural, b->as.natural);
    }
    if (a->kind == CLEAT__CEL_INT) {
        return a->as.integer < 0 ? -1 : order_of_naturals((uint64_t)a->as.integer, b->as.natural);
    }
    return b->as.integer < 0 ? 1 : order_of_naturals(a->as.natural, (uint64_t)b->as.integer);
}

static int order_of_texts(cleat_slice a, cleat_slice b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size != 0 ? memcmp(a.data, b.data, size) : 0;
    return order != 0 ? (order < 0 ? -1 : 1) : a.size < b.size ? -1 : a.size > b.size;
}

bool cleat__cel_compare(const cleat__cel_value *a, const cleat__cel_value *b, int *order)
{
    if (cleat__cel_is_number(a) && cleat__cel_is_number(b)) {
        *order = order_of_numbers(a, b);
        return true;
    }
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case CLEAT__CEL_BOOL: *order = (int)a->as.boolean - (int)b->as.boolean; return true;
    case CLEAT__CEL_STRING:
    case CLEAT__CEL_BYTES: *order = order_of_texts(a->as.text, b->as.text); return true;
    default: return false;
    }
}

static bool equals(cleat__cel_run *run, const cleat__cel_value *a, const cleat__cel_value *b, int depth,
                   bool *out);

static bool lists_equal(cleat__cel_run *run, const cleat__cel_value *a, const cleat__cel_value *b, int depth,
                        bool *out)
{
    *out = cleat__cel_count(a) == cleat__cel_count(b);
    for (size_t i = 0; *out && i < cleat__cel_count(a); i++) {
        cleat__cel_value left = cleat__cel_at(a, i), right = cleat__cel_at(b, i);
        if (!equals(run, &left, &right, depth + 1, out)) {
            return false;
        }
    }
    return true;
}

static bool maps_equal(cleat__cel_run *run, const cleat__cel_value *a, const cleat__cel_value *b, int depth,
                       bool *out)
{
    *out = cleat__cel_count(a) == cleat__cel_count(b);
    const cleat__cel_value *keys;
    if (*out && !cleat__cel_elements(run, a, &keys)) {
        return false;
    }
    for (size_t i = 0; *out && i < cleat__cel_count(a); i++) {
        cleat__cel_value left, right;
        if (!cleat__cel_find(run, a, &keys[i], out, &left) ||
            !cleat__cel_find(run, b, &keys[i], out, &right) ||
            (*out && !equals(run, &left, &right, depth + 1, out))) {
            return false;
        }
    }
    return true;
}

static bool equals(cleat__cel_run *run, const cleat__cel_value *a, const cleat__cel_value *b, int depth,
                   bool *out)
{
    *out = false;
    bool is_text = a->kind == CLEAT__CEL_STRING || a->kind == CLEAT__CEL_BYTES;
    if (!cleat__cel_step(run, 1, is_text ? a->as.text.size : 0)) {
        return false;
    }
    int order;
    if (cleat__cel_compare(a, b, &order)) {
        *out = order == 0;
        return true;
    }
    if (a->kind != b->kind) {
        return true;
    }
    if (depth == DEEPEST_COMPARED) {
        return cleat__cel_fail(run, "values of more than %d levels are not compared", DEEPEST_COMPARED);
    }
    switch (a->kind) {
    case CLEAT__CEL_NULL: *out = true; return true;
    case CLEAT__CEL_TYPE: *out = a->as.type == b->as.type; return true;
    case CLEAT__CEL_LIST: return lists_equal(run, a, b, depth, out);
    default: return maps_equal(run, a, b, depth, out);
    }
}

bool cleat__cel_equals(cleat__cel_run *run, const cleat__cel_value *a, const cleat__cel_value *b, bool *out)
{
    return equals(run, a, b, 0, out);
}
