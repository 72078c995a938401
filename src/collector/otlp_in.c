#include "collector/otlp_in.h"

#include "base/alloc.h"
#include "base/error.h"
#include "collector/json_request.h"

typedef struct taking {
    cleat__otlp_in_done done;
    void *argument;
    bool is_json;
    int64_t rejected_spans;
    const char *error_message; /* static */
    cleat__forward *forward;   /* NULL: to nobody */
    cleat__otlp_received *forwarded;
} taking;

/* Puts protobuf in place of JSON. */
static cleat_status encode(const cleat__otlp_in *in, cleat__buffer *body)
{
    size_t most = (in->limits.max_bytes != 0 ? in->limits.max_bytes : CLEAT__OTLP_MAX_BYTES) / 4;
    cleat__buffer encoded = {0};
    cleat_status status = CLEAT_OK;
    if (body->size > most) {
        status = cleat__fail(CLEAT_TOO_LARGE, "the request has %zu bytes of JSON; %zu are the most",
                             body->size, most);
    } else {
        status = cleat__json_request_encode(cleat__buffer_slice(body), &encoded);
    }
    cleat__buffer_deinit(body);
    if (status != CLEAT_OK) {
        cleat__buffer_deinit(&encoded);
        return status;
    }
    *body = encoded;
    return CLEAT_OK;
}

static void answer(void *argument, cleat_status status)
{
    taking *it = argument;
    cleat__buffer response = {0};
    if (status == CLEAT_OK && it->forwarded != NULL) { /* what is not stored comes again */
        cleat__forward_offer(it->forward, it->forwarded);
    }
    cleat__otlp_received_release(it->forwarded);
    if (status == CLEAT_OK) {
        cleat__otlp_response_put(&response, it->is_json, it->rejected_spans, it->error_message);
        status = response.failed ? cleat__fail_memory() : CLEAT_OK;
    }
    it->done(it->argument, status, cleat__buffer_slice(&response));
    cleat__buffer_deinit(&response);
    cleat__free(it);
}

/* Takes the reference. */
static cleat_status submit(const cleat__otlp_in *in, int64_t tenant, cleat__otlp_received *received,
                           const taking *like)
{
    taking *it = cleat__malloc(sizeof(*it));
    if (it == NULL) {
        cleat__otlp_received_release(received);
        return cleat__fail_memory();
    }
    *it = *like;
    it->rejected_spans = received->rejected_spans;
    it->error_message = received->error_message;
    it->forward = in->forward;
    it->forwarded = in->forward != NULL ? cleat__otlp_received_retain(received) : NULL;
    cleat_status status = cleat__collector_submit(in->collector, tenant, received, answer, it);
    if (status != CLEAT_OK) {
        cleat__otlp_received_release(it->forwarded);
        cleat__free(it);
    }
    return status;
}

cleat_status cleat__otlp_in_take(const cleat__otlp_in *in, int64_t tenant, bool is_json, cleat__buffer *body,
                                 cleat__otlp_in_done done, void *argument)
{
    const taking like = {.done = done, .argument = argument, .is_json = is_json};
    cleat__otlp_received *received = NULL;
    cleat_status status = is_json ? encode(in, body) : CLEAT_OK;
    if (status == CLEAT_OK) {
        status = cleat__otlp_received_new(body, &in->limits, &received);
    }
    return status == CLEAT_OK ? submit(in, tenant, received, &like) : status;
}
