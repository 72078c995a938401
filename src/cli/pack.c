#include "pack.h"

#include "base/alloc.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
    PIECE = 64 * 1024,
    BYTES_MAX = 256 << 20, /* seconds of work, as a demo that is stopped waits for it */
    GROWTH_MAX = 1 << 20,  /* while it is read */
};

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

/* How much may be read; negative: more than that is in it. */
static int64_t limit_of(int fd)
{
    struct stat about;
    if (fstat(fd, &about) != 0) {
        return GROWTH_MAX;
    }
    return about.st_size <= BYTES_MAX ? (int64_t)about.st_size + GROWTH_MAX : -1;
}

static cleat_status read_all(int fd, z_stream *stream, buffers *memory, cleat__pack *out)
{
    int64_t limit = limit_of(fd);
    ssize_t size;
    while ((size = read(fd, memory->in, sizeof(memory->in))) > 0) {
        out->bytes += (uint64_t)size;
        if ((int64_t)out->bytes > limit) {
            errno = EFBIG;
            return CLEAT_IO;
        }
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
