/* A list of libcurl's header lines as a text map that a propagator writes to. */
#ifndef CLEAT_HTTP_CURL_HEADERS_H
#define CLEAT_HTTP_CURL_HEADERS_H

#include <cleat/propagation.h>
#include <curl/curl.h>

typedef struct cleat__curl_headers {
    struct curl_slist *lines; /* owned; curl_slist_free_all() */
    bool keeps_present;       /* what is there already is not replaced */
} cleat__curl_headers;

/* Appends copies of `lines` (may be NULL). False on no memory: what there is is whole lines, but not
 * all of them. */
bool cleat__curl_headers_append(cleat__curl_headers *headers, const struct curl_slist *lines);
cleat_text_map cleat__curl_headers_text_map(cleat__curl_headers *headers);

#endif
