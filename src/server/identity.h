/* Who is at the other end of a connection. */
#ifndef CLEAT_SERVER_IDENTITY_H
#define CLEAT_SERVER_IDENTITY_H

#include "base/uuid.h"

typedef struct cleat__identity {
    int64_t tenant; /* its number in the file */
    cleat__uuid tenant_id;
    cleat__uuid token_id; /* nil: no token was needed */
    int64_t expires_at_s; /* Unix; of the token */
} cleat__identity;

#endif
