/* The input as a header of several lines, and the same in one. */
#ifndef CLEAT_TESTS_FUZZ_LINES_H
#define CLEAT_TESTS_FUZZ_LINES_H

#include <cleat/trace.h>

#include <stdlib.h>

typedef struct fuzz_header {
    const char *name;
    cleat_slice text;
} fuzz_header;

#define FUZZ_TRACEPARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

/* A traceparent, and the header whose lines those of the input are. */
static inline void fuzz_get_lines(void *self, const char *key, cleat_text_map_visitor visit, void *user_data)
{
    const fuzz_header *header = self;
    cleat_slice rest = header->text;
    if (strcmp(key, "traceparent") == 0) {
        visit(user_data, cleat_slice_of(FUZZ_TRACEPARENT));
        return;
    }
    while (strcmp(key, header->name) == 0 && rest.data != NULL) {
        const char *end = rest.size != 0 ? memchr(rest.data, '\n', rest.size) : NULL;
        size_t size = end != NULL ? (size_t)(end - rest.data) : rest.size;
        if (!visit(user_data, (cleat_slice){rest.data, size}) || end == NULL) {
            return;
        }
        rest = (cleat_slice){end + 1, rest.size - size - 1};
    }
}

static inline cleat_context *fuzz_extract_lines(const char *name, cleat_slice text)
{
    fuzz_header header = {name, text};
    const cleat_text_map map = {.self = &header, .get_all = fuzz_get_lines};
    return cleat_propagator_extract(cleat_propagator_default(), NULL, &map);
}

/* The lines with commas between; to be freed. */
static inline char *fuzz_join_lines(cleat_slice text)
{
    char *joined = malloc(text.size + 1);
    for (size_t i = 0; joined != NULL && i < text.size; i++) {
        joined[i] = text.data[i] == '\n' ? ',' : text.data[i];
    }
    return joined;
}

#endif
