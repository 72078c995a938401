/* What the server's answer, or the want of one, means for an export. */
#ifndef CLEAT_OTLP_HTTP_RESPONSE_H
#define CLEAT_OTLP_HTTP_RESPONSE_H

#include "http_export.h"

typedef struct cleat__http_outcome {
    cleat_status status;
    bool is_retryable;
    bool is_answer;         /* of HTTP, whatever it says; false: the server may not be there */
    bool is_of_spans;       /* a failure that says nothing of what else may be sent there */
    int64_t asked_ms;       /* Retry-After; 0: nothing was asked */
    int64_t rejected_spans; /* of a partial success; not negative */
    char message[400];      /* of a failure; of a success, what the server has to say */
} cleat__http_outcome;

void cleat__http_outcome_read(const cleat__http_export *export, CURLcode code, cleat__http_outcome *out);

#endif
