#include "http_route.h"

#include "base/buffer.h"

/* The segment of a pattern at `*at`, which moves behind it; false at the end. */
static bool next_segment(const char **at, cleat_slice *out)
{
    if (**at != '/') {
        return false;
    }
    const char *from = *at + 1;
    size_t size = strcspn(from, "/");
    *out = (cleat_slice){from, size};
    *at = from + size;
    return true;
}

static bool is_part(cleat_slice segment)
{
    return segment.size > 2 && segment.data[0] == '{';
}

static bool matches(const char *pattern, const cleat__http_target *target)
{
    cleat_slice segment;
    size_t count = 0;
    for (const char *at = pattern; next_segment(&at, &segment); count++) {
        if (count == target->segment_count) {
            return false;
        }
        cleat_slice given = target->segments[count];
        if (is_part(segment) ? given.size == 0 : !cleat_slice_equals(segment, given)) {
            return false;
        }
    }
    return count == target->segment_count;
}

bool cleat__http_pattern_visit(const char *pattern, const cleat__http_target *target,
                               bool (*visit)(void *argument, cleat_slice name, cleat_slice value),
                               void *argument)
{
    cleat_slice segment;
    size_t index = 0;
    for (const char *at = pattern; index < target->segment_count && next_segment(&at, &segment); index++) {
        cleat_slice name = {segment.data + 1, segment.size - 2};
        if (is_part(segment) && !visit(argument, name, target->segments[index])) {
            return false;
        }
    }
    return true;
}

typedef struct search {
    cleat_slice name, value;
} search;

static bool compare(void *argument, cleat_slice name, cleat_slice value)
{
    search *self = argument;
    if (!cleat_slice_equals(name, self->name)) {
        return true;
    }
    self->value = value;
    return false;
}

cleat_slice cleat__http_pattern_part(const char *pattern, const cleat__http_target *target, const char *name)
{
    search self = {cleat_slice_of(name), {NULL, 0}};
    cleat__http_pattern_visit(pattern, target, compare, &self);
    return self.value;
}

cleat__http_match cleat__http_find(const cleat__http_table *tables, size_t count, const char *method,
                                   const cleat__http_target *target, const cleat__http_table **table,
                                   const cleat__http_route **route)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    cleat__http_match match = CLEAT__HTTP_NO_PATH;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < tables[i].count; j++) {
            const cleat__http_route *row = &tables[i].routes[j];
            if (!matches(row->pattern, target)) {
                continue;
            }
            if (strcmp(row->method, wanted) == 0) {
                *table = &tables[i];
                *route = row;
                return CLEAT__HTTP_FOUND;
            }
            match = CLEAT__HTTP_NO_METHOD;
        }
    }
    return match;
}

char *cleat__http_allowed(const cleat__http_table *tables, size_t count, const cleat__http_target *target)
{
    static const char *const methods[] = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"};
    cleat__buffer text = {0};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        const cleat__http_table *table;
        const cleat__http_route *route;
        bool is_allowed =
            strcmp(methods[i], "OPTIONS") == 0 ||
            cleat__http_find(tables, count, methods[i], target, &table, &route) == CLEAT__HTTP_FOUND;
        if (is_allowed) {
            cleat__buffer_append_string(&text, text.size != 0 ? ", " : "");
            cleat__buffer_append_string(&text, methods[i]);
        }
    }
    return cleat__buffer_take_string(&text);
}
