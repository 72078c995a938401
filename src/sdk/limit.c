#include <cleat/limit.h>

#include "base/error.h"
#include "model/rate_use.h"
#include "sdk/client.h"

cleat_status cleat_client_put_rate_limit(cleat_client *client, const char *key, int32_t limit,
                                         cleat_rate_limit_duration duration)
{
    if (client == NULL || key == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", client == NULL ? "client" : "key");
    }
    int64_t window_ms = cleat__rate_duration_ms(duration);
    cleat_status status = cleat__rate_key_check(cleat_slice_of(key));
    if (status == CLEAT_OK) {
        status = cleat__rate_limit_check(limit, window_ms);
    }
    return status == CLEAT_OK
               ? client->transport->put_rate_limit(client->transport, cleat_slice_of(key), limit, window_ms)
               : status;
}
