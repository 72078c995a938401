/*
 * One batch on its way over HTTP: as many requests as its size asks for, one after another, each
 * with as many attempts as it takes. Owned by the exporter's thread while it is under way.
 *
 * Source: OTLP specification, "OTLP/HTTP".
 */
#ifndef CLEAT_OTLP_HTTP_EXPORT_H
#define CLEAT_OTLP_HTTP_EXPORT_H

#include "http_body.h"
#include "otlp_exporter.h"

#include <curl/curl.h>

typedef struct cleat__http_export {
    struct cleat__http_export *next; /* in the list it is in */
    uint64_t number;                 /* of the exporter's exports, from 1 on */
    cleat__otlp_exporter *exporter;
    bool is_json;

    cleat_span_batch *batch;
    size_t cursor; /* spans of the batch that are in a body already */
    int64_t deadline_ns;
    cleat_status failure; /* the first of the spans that were given up so far */
    char failure_text[512];
    size_t failed;      /* how many they are */
    unsigned attempts;  /* of this body */
    int64_t retry_ns;   /* when the next attempt begins; 0: one is under way */
    bool retries_later; /* the server has answered, so it will; false: it may not be there at all */

    cleat__http_body body;
    CURL *easy;             /* kept for the next batch */
    cleat__buffer response; /* its body */
    size_t response_size;   /* of header lines and body */
    bool is_response_too_large;
    bool has_head; /* of the response, to its end */
    char error[CURL_ERROR_SIZE];
} cleat__http_export;

/* NULL on no memory. `headers` must live as long. */
cleat__http_export *cleat__http_export_new(cleat__otlp_exporter *exporter, bool is_json,
                                           struct curl_slist *headers);
void cleat__http_export_free(cleat__http_export *export);

typedef enum cleat__http_next {
    CLEAT__HTTP_SEND,     /* `easy` is to be given to the multi handle */
    CLEAT__HTTP_WAIT,     /* until retry_ns, then cleat__http_export_again() */
    CLEAT__HTTP_FINISHED, /* the batch is done: `*status`, cleat_error_message() and `failed` */
} cleat__http_next;

/* Takes the batch on; its time, the exporter's where `timeout_ms` is longer or negative, runs from now. Any
 * thread. */
void cleat__http_export_assign(cleat__http_export *export, cleat_span_batch *batch, int64_t timeout_ms);
cleat__http_next cleat__http_export_begin(cleat__http_export *export, cleat_status *status);
/* The transfer is over and `easy` is no longer with the multi handle. */
cleat__http_next cleat__http_export_done(cleat__http_export *export, CURLcode code, cleat_status *status);
/* The time of retry_ns has come. */
cleat__http_next cleat__http_export_again(cleat__http_export *export);
/* What was not sent counts as failed. Sets the error message; answers the status to finish with. */
cleat_status cleat__http_export_cancel(cleat__http_export *export);

#endif
