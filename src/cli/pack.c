#include "pack.h"

#include "base/alloc.h"

#include <unistd.h>
#include <zlib.h>

enum { PIECE = 64 * 1024 };

typedef struct buffers {
    unsigned char in[PIECE];
    unsigned char out[PIECE];
} buffers;

/* Feeds what is in `stream` and counts what comes out; the compressed bytes themselves are dropped. */
static void deflate_piece(z_stream *stream, int flush, buffers *memory, uint64_t *deflated)
{
    do {
        stream->next_out = memory->out;
        stream->avail_out = sizeof(memory->out);
        (void)deflate(stream, flush); /* fails only on misuse */
        *deflated += sizeof(memory->out) - stream->avail_out;
    } while (stream->avail_out == 0);
}

static cleat_status read_all(int fd, z_stream *stream, buffers *memory, cleat__pack *out)
{
    ssize_t size;
    while ((size = read(fd, memory->in, sizeof(memory->in))) > 0) {
        out->bytes += (uint64_t)size;
        out->crc32 = (uint32_t)crc32(out->crc32, memory->in, (uInt)size);
        stream->next_in = memory->in;
        stream->avail_in = (uInt)size;
        deflate_piece(stream, Z_NO_FLUSH, memory, &out->deflated);
    }
    if (size < 0) {
        return CLEAT_IO;
    }
    deflate_piece(stream, Z_FINISH, memory, &out->deflated);
    return CLEAT_OK;
}

cleat_status cleat__pack_read(int fd, cleat__pack *out)
{
    z_stream stream = {0};
    buffers *memory = cleat__malloc(sizeof(*memory));
    memset(out, 0, sizeof(*out));
    if (memory == NULL || deflateInit(&stream, Z_DEFAULT_COMPRESSION) != Z_OK) {
        cleat__free(memory);
        return CLEAT_NO_MEMORY;
    }
    cleat_status status = read_all(fd, &stream, memory, out);
    deflateEnd(&stream);
    cleat__free(memory);
    return status;
}
