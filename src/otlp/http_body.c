#include "http_body.h"

#include "base/error.h"
#include "json.h"
#include "trace/batch.h"

enum {
    GZIP_WINDOW = 15 + 16, /* zlib: the largest window, in gzip's format */
    /* Spans resemble each other: level 6 makes them smaller by a tenth and takes three times as long. */
    GZIP_LEVEL = 1,
    GZIP_MEMORY = 8,
    SMALLEST_OUTPUT = 16 * 1024,
};

void cleat__http_body_deinit(cleat__http_body *body)
{
    cleat__otlp_request_deinit(&body->request);
    cleat__buffer_deinit(&body->text);
    cleat__buffer_deinit(&body->zipped);
    if (body->has_zip) {
        deflateEnd(&body->zip);
    }
    *body = (cleat__http_body){.has_zip = false};
}

static void set_whole(cleat__http_body *body, const cleat__buffer *buffer)
{
    body->whole = cleat__buffer_slice(buffer);
    body->pieces = &body->whole;
    body->piece_count = 1;
    body->size = body->whole.size;
}

/* ---- gzip ---- */

static bool begin_zip(cleat__http_body *body)
{
    cleat__buffer_clear(&body->zipped);
    if (body->has_zip) {
        return deflateReset(&body->zip) == Z_OK;
    }
    body->has_zip = deflateInit2(&body->zip, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
                                 Z_DEFAULT_STRATEGY) == Z_OK;
    return body->has_zip;
}

/* False on no memory. `flush` is Z_FINISH behind the last piece. */
static bool zip(cleat__http_body *body, cleat_slice piece, int flush)
{
    z_stream *stream = &body->zip;
    /* zlib does not change its input, but has no const for it. */
    stream->next_in = (Bytef *)(uintptr_t)piece.data;
    stream->avail_in = (uInt)piece.size;
    int result = Z_OK;
    do {
        size_t room = piece.size / 4 + SMALLEST_OUTPUT;
        uint8_t *out = cleat__buffer_reserve(&body->zipped, room);
        if (out == NULL) {
            return false;
        }
        stream->next_out = out;
        stream->avail_out = (uInt)room;
        result = deflate(stream, flush);
        body->zipped.size += room - stream->avail_out;
    } while (result == Z_OK && (stream->avail_in != 0 || flush == Z_FINISH));
    return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR;
}

/* zlib counts in 32 bits. */
static bool zip_long(cleat__http_body *body, cleat_slice piece)
{
    enum { MOST = 1 << 30 };
    while (piece.size > MOST) {
        if (!zip(body, (cleat_slice){piece.data, MOST}, Z_NO_FLUSH)) {
            return false;
        }
        piece.data += MOST;
        piece.size -= MOST;
    }
    return zip(body, piece, Z_NO_FLUSH);
}

static cleat_status compress_body(cleat__http_body *body)
{
    bool is_fine = begin_zip(body);
    for (size_t i = 0; is_fine && i < body->piece_count; i++) {
        is_fine = zip_long(body, body->pieces[i]);
    }
    is_fine = is_fine && zip(body, (cleat_slice){"", 0}, Z_FINISH);
    if (!is_fine) {
        return cleat__fail_memory();
    }
    set_whole(body, &body->zipped);
    return CLEAT_OK;
}

/* ---- Encoding ---- */

static cleat_status build_protobuf(cleat__http_body *body, const cleat_span_batch *batch, size_t *cursor,
                                   size_t max_size)
{
    cleat_status status = cleat__otlp_request_build(&body->request, batch, cursor, max_size);
    body->pieces = body->request.pieces;
    body->piece_count = body->request.piece_count;
    body->size = body->request.size;
    body->span_count = body->request.span_count;
    return status;
}

/* How large the text of a span is shows only when it is written: too much of it is halved. The next
 * part begins with a little more than fitted last, or each would write all the rest again. */
static cleat_status build_json(cleat__http_body *body, const cleat_span_batch *batch, size_t *cursor,
                               size_t max_size)
{
    cleat_span_batch part = {.entries = batch->entries + *cursor, .count = batch->count - *cursor};
    if (part.count == 0) {
        return CLEAT_EMPTY;
    }
    body->fitted = *cursor != 0 ? body->fitted : part.count;
    size_t likely = body->fitted + body->fitted / 4 + 1;
    part.count = likely < part.count ? likely : part.count;
    for (;; part.count = (part.count + 1) / 2) {
        cleat__buffer_clear(&body->text);
        cleat__json_batch(&body->text, &part);
        if (body->text.failed) {
            return cleat__fail_memory();
        }
        if (part.count == 1 || body->text.size <= max_size) {
            break;
        }
    }
    body->fitted = part.count;
    set_whole(body, &body->text);
    body->span_count = part.count;
    *cursor += part.count;
    return CLEAT_OK;
}

cleat_status cleat__http_body_build(cleat__http_body *body, const cleat__otlp_settings *settings,
                                    bool is_json, const cleat_span_batch *batch, size_t *cursor)
{
    size_t first = *cursor;
    cleat_status status = is_json ? build_json(body, batch, cursor, settings->max_request_size)
                                  : build_protobuf(body, batch, cursor, settings->max_request_size);
    if (status == CLEAT_OK && body->size > settings->max_request_size) {
        return cleat__fail(CLEAT_TOO_LARGE, "a span is larger than %zu bytes, the limit of a request",
                           settings->max_request_size);
    }
    if (status == CLEAT_OK && settings->gzip) {
        status = compress_body(body);
        *cursor = status == CLEAT_OK ? *cursor : first;
    }
    body->at = body->offset = 0;
    return status;
}

/* ---- Reading ---- */

size_t cleat__http_body_read(cleat__http_body *body, char *out, size_t size)
{
    size_t copied = 0;
    while (copied < size && body->at < body->piece_count) {
        cleat_slice piece = body->pieces[body->at];
        size_t left = piece.size - body->offset;
        size_t now = left < size - copied ? left : size - copied;
        memcpy(out + copied, piece.data + body->offset, now);
        copied += now;
        body->offset += now;
        if (body->offset == piece.size) {
            body->at++;
            body->offset = 0;
        }
    }
    return copied;
}

bool cleat__http_body_seek(cleat__http_body *body, size_t offset)
{
    if (offset > body->size) {
        return false;
    }
    body->at = 0;
    while (body->at < body->piece_count && offset >= body->pieces[body->at].size) {
        offset -= body->pieces[body->at].size;
        body->at++;
    }
    body->offset = offset;
    return true;
}
