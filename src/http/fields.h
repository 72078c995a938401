/* A request's headers as a text map: names in any case, lines of one name joined. */
#ifndef CLEAT_HTTP_FIELDS_H
#define CLEAT_HTTP_FIELDS_H

#include "base/buffer.h"

#include <cleat/http.h>

/* ASCII letters of either case are equal. */
bool cleat__http_name_equals(cleat_slice a, cleat_slice b);

/* What joined lines lie in, as long as the fields are read. */
typedef struct cleat__http_joined {
    struct cleat__http_joined *next;
    cleat__buffer text;
} cleat__http_joined;

typedef struct cleat__http_fields {
    cleat_http_fields source;
    cleat__http_joined *joined; /* owned */
} cleat__http_fields;

/* The value of a field, the absent slice when it is not there; valid until deinit. */
cleat_slice cleat__http_fields_get(cleat__http_fields *fields, const char *name);
cleat_text_map cleat__http_fields_text_map(cleat__http_fields *fields);
void cleat__http_fields_deinit(cleat__http_fields *fields);

#endif
