/* Parts of a URL that libcurl has parsed. A header alone: what includes it links libcurl. */
#ifndef CLEAT_BASE_URL_PART_H
#define CLEAT_BASE_URL_PART_H

#include <curl/curl.h>

/* To be freed with curl_free(); NULL where there is none, or no memory. */
static inline char *cleat__url_part(CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL;
    return curl_url_get(url, part, &text, flags) == CURLUE_OK ? text : NULL;
}

#endif
