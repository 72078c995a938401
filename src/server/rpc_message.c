/*
 * gRPC would inflate messages too, but without a limit: 4 MiB of gzip may hold 4 GiB. So it leaves
 * them to us.
 */
#include "rpc_parts.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <zlib.h>

static cleat_status fail_too_large(size_t max_size)
{
    return cleat__fail(CLEAT_TOO_LARGE, "the message is larger than the limit of %zu bytes", max_size);
}

static cleat_status inflate_all(z_stream *stream, size_t max_size, cleat__buffer *out)
{
    enum { STEP = 32768 };
    int result = Z_OK;
    while (result == Z_OK && out->size <= max_size) {
        stream->next_out = cleat__buffer_reserve(out, STEP);
        stream->avail_out = STEP;
        if (stream->next_out == NULL) {
            return cleat__fail_memory();
        }
        result = inflate(stream, Z_NO_FLUSH);
        out->size += STEP - stream->avail_out;
    }
    if (out->size > max_size) {
        return fail_too_large(max_size);
    }
    return result == Z_STREAM_END ? CLEAT_OK
                                  : cleat__fail(CLEAT_INVALID_ARGUMENT, "the compressed message is damaged");
}

static cleat_status inflate_slice(cleat_slice packed, size_t max_size, cleat__buffer *out)
{
    enum { GZIP_OR_ZLIB = 32 };
    /* zlib does not write to its input. */
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)packed.data, .avail_in = (uInt)packed.size};
    if (inflateInit2(&stream, GZIP_OR_ZLIB + MAX_WBITS) != Z_OK) {
        return cleat__fail_memory();
    }
    cleat_status status = inflate_all(&stream, max_size, out);
    inflateEnd(&stream);
    return status;
}

/* All of the message in one slice, where it lies if it does so already. */
static bool slice_of_message(grpc_byte_buffer *message, grpc_slice *out)
{
    grpc_byte_buffer_reader reader;
    if (message->data.raw.slice_buffer.count == 1) {
        *out = grpc_slice_ref(message->data.raw.slice_buffer.slices[0]);
        return true;
    }
    if (grpc_byte_buffer_reader_init(&reader, message) == 0) {
        return false;
    }
    *out = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    return true;
}

cleat_status cleat__rpc_bytes_read(cleat__rpc_bytes *out, grpc_byte_buffer *message, size_t max_size)
{
    *out = (cleat__rpc_bytes){.slice = grpc_empty_slice()};
    if (!slice_of_message(message, &out->slice)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the message cannot be read");
    }
    out->bytes = (cleat_slice){(const char *)GRPC_SLICE_START_PTR(out->slice), GRPC_SLICE_LENGTH(out->slice)};
    if (message->data.raw.compression == GRPC_COMPRESS_NONE) {
        return out->bytes.size <= max_size ? CLEAT_OK : fail_too_large(max_size);
    }
    cleat__buffer inflated = {0};
    cleat_status status = inflate_slice(out->bytes, max_size, &inflated);
    out->inflated = inflated.data;
    out->bytes = cleat__buffer_slice(&inflated);
    return status;
}

void cleat__rpc_bytes_deinit(cleat__rpc_bytes *bytes)
{
    grpc_slice_unref(bytes->slice);
    cleat__free(bytes->inflated);
}
