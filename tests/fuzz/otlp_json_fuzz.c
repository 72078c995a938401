/* OTLP JSON of peers: whatever is accepted is a request that the reader takes, and is JSON again. */
#include "collector/json_request.h"
#include "otlp/json.h"
#include "otlp/received.h"

#include <jansson.h>
#include <stdlib.h>

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleat__buffer body = {0}, text = {0};
    cleat__otlp_received *received = NULL;
    json_error_t error;
    if (cleat__json_request_encode((cleat_slice){(const char *)data, size}, &body) != CLEAT_OK) {
        cleat__buffer_deinit(&body);
        return 0;
    }
    check(cleat__otlp_received_new(&body, NULL, &received) == CLEAT_OK);
    cleat__json_batch(&text, &received->batch);
    json_t *parsed = json_loadb((const char *)text.data, text.size, JSON_ALLOW_NUL, &error);
    check(parsed != NULL);
    json_decref(parsed);
    cleat__buffer_deinit(&text);
    cleat__otlp_received_release(received);
    return 0;
}
