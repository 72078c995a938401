#include "http_answer.h"

#include "base/alloc.h"
#include "http_browser.h"
#include "http_deflate.h"

#include <microhttpd.h>
#include <stdio.h>

void cleat__http_answer_pack(cleat__http_answer *answer)
{
    cleat__buffer packed = {0};
    if (answer->tag[0] != '\0') {
        return;
    }
    cleat__http_deflate(cleat__buffer_slice(&answer->body), &packed);
    if (packed.failed) {
        cleat__buffer_deinit(&packed);
        return;
    }
    cleat__buffer_deinit(&answer->body);
    answer->body = packed;
    answer->is_packed = true;
}

static void free_body(void *body)
{
    cleat__free(body);
}

/* What has a tag is asked for again with it; all else is of this moment. */
static void add_browser_headers(const cleat__http_answer *answer, struct MHD_Response *response)
{
    char tag[sizeof(answer->tag) + 2];
    for (size_t i = 0; i < cleat__http_browser_header_count; i++) {
        MHD_add_response_header(response, cleat__http_browser_headers[i][0],
                                cleat__http_browser_headers[i][1]);
    }
    MHD_add_response_header(response, "Cache-Control", answer->tag[0] != '\0' ? "no-cache" : "no-store");
    if (answer->tag[0] != '\0') {
        snprintf(tag, sizeof(tag), "\"%s\"", answer->tag);
        MHD_add_response_header(response, "ETag", tag);
    }
}

static void add_headers(const cleat__http_answer *answer, struct MHD_Response *response, bool has_body)
{
    if (answer->content_type != NULL && has_body) {
        MHD_add_response_header(response, "Content-Type", answer->content_type);
    }
    if (answer->is_packed) {
        MHD_add_response_header(response, "Content-Encoding", "gzip");
    }
    if (answer->allow != NULL) {
        MHD_add_response_header(response, "Allow", answer->allow);
    }
    if (answer->retry_after_s != 0) {
        char seconds[16];
        snprintf(seconds, sizeof(seconds), "%u", answer->retry_after_s);
        MHD_add_response_header(response, "Retry-After", seconds);
    }
}

struct MHD_Response *cleat__http_answer_response(cleat__http_answer *answer, int flags, bool closes)
{
    cleat__buffer body = answer->body;
    answer->body = (cleat__buffer){0};
    struct MHD_Response *response =
        body.size != 0 ? MHD_create_response_from_buffer_with_free_callback(body.size, body.data, free_body)
                       : MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
    if (response == NULL || body.size == 0) {
        cleat__free(body.data);
    }
    if (response == NULL) {
        return NULL;
    }
    add_headers(answer, response, body.size != 0);
    if (flags & CLEAT__HTTP_BROWSED) {
        add_browser_headers(answer, response);
    }
    if (closes) {
        MHD_add_response_header(response, "Connection", "close");
    }
    return response;
}
