#include "http_inflate.h"

#include "base/error.h"

#include <limits.h>
#include <zlib.h>

enum { PIECE = 64 * 1024, GZIP_ONLY = 16 + MAX_WBITS };

static cleat_status fail_form(void)
{
    return cleat__fail(CLEAT_INVALID_ARGUMENT, "the body is not gzip, although its Content-Encoding says so");
}

/* Unpacks the next piece. Z_STREAM_END: a member ended. */
static cleat_status inflate_piece(z_stream *zip, size_t max, cleat__buffer *out, int *code)
{
    uint8_t *room = cleat__buffer_reserve(out, PIECE);
    if (room == NULL) {
        return cleat__fail_memory();
    }
    zip->next_out = room;
    zip->avail_out = PIECE;
    *code = inflate(zip, Z_NO_FLUSH);
    out->size += PIECE - zip->avail_out;
    if (out->size > max) {
        return cleat__fail(CLEAT_TOO_LARGE, "the body unpacks to more than %zu bytes", max);
    }
    bool is_stuck = *code == Z_BUF_ERROR || (*code == Z_OK && zip->avail_out == PIECE && zip->avail_in == 0);
    return is_stuck || (*code != Z_OK && *code != Z_STREAM_END) ? fail_form() : CLEAT_OK;
}

cleat_status cleat__http_inflate(cleat_slice packed, size_t max, cleat__buffer *out)
{
    z_stream zip = {0};
    if (packed.size == 0 || packed.size > UINT_MAX) {
        return fail_form();
    }
    if (inflateInit2(&zip, GZIP_ONLY) != Z_OK) {
        return cleat__fail_memory();
    }
    zip.next_in = (Bytef *)(uintptr_t)packed.data;
    zip.avail_in = (uInt)packed.size;
    cleat_status status = CLEAT_OK;
    int code = Z_OK;
    while (status == CLEAT_OK && !(code == Z_STREAM_END && zip.avail_in == 0)) {
        if (code == Z_STREAM_END && inflateReset(&zip) != Z_OK) {
            status = fail_form();
            break;
        }
        status = inflate_piece(&zip, max, out, &code);
    }
    inflateEnd(&zip);
    return status;
}
