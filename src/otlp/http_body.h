/*
 * The body of one OTLP/HTTP request: a piece of a batch as protobuf or JSON, compressed or not, as a
 * list of pieces that is read from front to back.
 */
#ifndef CLEAT_OTLP_HTTP_BODY_H
#define CLEAT_OTLP_HTTP_BODY_H

#include "request.h"
#include "settings.h"

#include <zlib.h>

typedef struct cleat__http_body {
    cleat__otlp_request request;
    cleat__buffer text;   /* JSON */
    size_t fitted;        /* spans that the last text was made of */
    cleat__buffer zipped; /* what either became */
    z_stream zip;         /* used again for each body */
    bool has_zip;
    cleat_slice whole; /* the piece of a body that lies in one place */

    const cleat_slice *pieces;
    size_t piece_count;
    size_t size;
    size_t span_count;
    size_t at, offset; /* reading goes on in this piece, there */
} cleat__http_body;

void cleat__http_body_deinit(cleat__http_body *body);

/*
 * Makes the body of the spans from `*cursor` (0 at first) on, as far as max_request_size allows, and
 * moves the cursor behind them. Memory of an earlier body (zero at first) is used again. The batch
 * must live as long. CLEAT_EMPTY when no span is left, CLEAT_TOO_LARGE for a span that alone is larger
 * than allowed: it is passed over.
 */
cleat_status cleat__http_body_build(cleat__http_body *body, const cleat__otlp_settings *settings,
                                    bool is_json, const cleat_span_batch *batch, size_t *cursor);

/* Up to `size` bytes; how many. 0 at the end. */
size_t cleat__http_body_read(cleat__http_body *body, char *out, size_t size);
/* False beyond the end. */
bool cleat__http_body_seek(cleat__http_body *body, size_t offset);

#endif
