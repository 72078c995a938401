#include "http_deflate.h"

#include <limits.h>
#include <zlib.h>

enum { GZIP_ONLY = 16 + MAX_WBITS, MEMORY_LEVEL = 8 };

void cleat__http_deflate(cleat_slice text, cleat__buffer *out)
{
    z_stream zip = {0};
    if (text.size > UINT_MAX / 2 ||
        deflateInit2(&zip, Z_BEST_SPEED, Z_DEFLATED, GZIP_ONLY, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        out->failed = true;
        return;
    }
    size_t most = deflateBound(&zip, text.size);
    uint8_t *room = cleat__buffer_reserve(out, most);
    zip.next_in = (Bytef *)(uintptr_t)text.data;
    zip.avail_in = (uInt)text.size;
    zip.next_out = room;
    zip.avail_out = (uInt)most;
    if (room != NULL && deflate(&zip, Z_FINISH) == Z_STREAM_END) {
        out->size += most - zip.avail_out;
    } else {
        out->failed = true;
    }
    deflateEnd(&zip);
}
