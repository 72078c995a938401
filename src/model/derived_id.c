#include "model/derived_id.h"

#include <openssl/evp.h>

enum { TEXT_MAX = 128 };

/* The bytes that are hashed. */
typedef struct source {
    uint8_t bytes[TEXT_MAX];
    size_t size;
} source;

static void append(source *to, const void *data, size_t size)
{
    if (size <= sizeof(to->bytes) - to->size) {
        memcpy(to->bytes + to->size, data, size);
        to->size += size;
    }
}

static void append_number(source *to, uint32_t number)
{
    const uint8_t big_endian[] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
                                  (uint8_t)number};
    append(to, big_endian, sizeof(big_endian));
}

static bool hash(const source *from, void *out, size_t size)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    if (EVP_Digest(from->bytes, from->size, digest, NULL, EVP_sha256(), NULL) != 1) {
        return false;
    }
    memcpy(out, digest, size);
    return true;
}

static bool hash_of_run(const char *what, const cleat__uuid *run, void *out, size_t size)
{
    source from = {.size = 0};
    append(&from, what, strlen(what));
    append(&from, run->bytes, sizeof(run->bytes));
    return hash(&from, out, size);
}

bool cleat__derived_run_trace_id(const cleat__uuid *run, cleat_trace_id *out)
{
    return hash_of_run("hatchet-engine-wf-trace:", run, out->bytes, sizeof(out->bytes));
}

bool cleat__derived_run_span_id(const cleat__uuid *run, cleat_span_id *out)
{
    return hash_of_run("hatchet-engine-wf-span:", run, out->bytes, sizeof(out->bytes));
}

bool cleat__derived_attempt_span_id(const cleat__uuid *task, int32_t retry_count, const char *part,
                                    cleat_span_id *out)
{
    static const char what[] = "hatchet-engine-sr-span:";
    source from = {.size = 0};
    append(&from, what, sizeof(what) - 1);
    append(&from, task->bytes, sizeof(task->bytes));
    append_number(&from, (uint32_t)retry_count);
    append(&from, part, strlen(part));
    return hash(&from, out->bytes, sizeof(out->bytes));
}

bool cleat__derived_step_id(const cleat__uuid *version, uint32_t step, cleat__uuid *out)
{
    static const char what[] = "cleat-step:";
    source from = {.size = 0};
    append(&from, what, sizeof(what) - 1);
    append(&from, version->bytes, sizeof(version->bytes));
    append_number(&from, step);
    bool is_made = hash(&from, out->bytes, sizeof(out->bytes));
    out->bytes[6] = (uint8_t)((out->bytes[6] & 0x0F) | 0x80); /* version 8: of one's own making */
    out->bytes[8] = (uint8_t)((out->bytes[8] & 0x3F) | 0x80);
    return is_made;
}
