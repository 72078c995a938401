/* Who makes a call, as its token says. */
#ifndef CLEAT_SERVER_HTTP_IDENTITY_H
#define CLEAT_SERVER_HTTP_IDENTITY_H

#include "base/uuid.h"

typedef struct cleat__identity {
    int64_t tenant; /* the number rows are marked with */
    cleat__uuid tenant_id;
    cleat__uuid token_id;
} cleat__identity;

#endif
