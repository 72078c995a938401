/* The target of a request line, "/runs/a%20b?limit=5&status=QUEUED&status=RUNNING", taken apart. */
#ifndef CLEAT_SERVER_HTTP_TARGET_H
#define CLEAT_SERVER_HTTP_TARGET_H

#include <cleat/status.h>

enum { CLEAT__HTTP_SEGMENTS_MAX = 16, CLEAT__HTTP_ARGUMENTS_MAX = 256 };

typedef struct cleat__http_argument {
    cleat_slice name, value;
} cleat__http_argument;

/* Slices point into the text that was read. */
typedef struct cleat__http_target {
    cleat_slice segments[CLEAT__HTTP_SEGMENTS_MAX]; /* of the path, decoded */
    size_t segment_count;
    cleat__http_argument *arguments; /* of the query, decoded, in their order; owned */
    size_t argument_count;
} cleat__http_target;

/*
 * Decodes `text` in place. CLEAT_INVALID_ARGUMENT: a broken escape, a NUL, or no path.
 * CLEAT_NOT_FOUND: more segments than any route has. CLEAT_TOO_LARGE: too many arguments.
 */
cleat_status cleat__http_target_read(char *text, cleat__http_target *out);
void cleat__http_target_deinit(cleat__http_target *target);

#endif
