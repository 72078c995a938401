#include <cleat/limit.h>

#include "base/error.h"
#include "base/utf8.h"
#include "model/rate_use.h"
#include "sdk/client.h"
#include "sdk/options.h"

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

static cleat_status list_rate_limits(cleat_client *client, const cleat_rate_limit_list_options *options,
                                     cleat_rate_limit_list *out)
{
    cleat_rate_limit_list_options known;
    cleat_status status =
        cleat__options_read("CLEAT_RATE_LIMIT_LIST_OPTIONS", options, &known, sizeof(known));
    const char *search = known.search != NULL ? known.search : "";
    if (status == CLEAT_OK) {
        status = cleat__page_check(known.offset, &known.limit);
    }
    if (status == CLEAT_OK && cleat__utf8_valid_prefix(search, strlen(search)) != strlen(search)) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "search is no UTF-8");
    }
    return status == CLEAT_OK ? client->transport->rate_limits(client->transport, cleat_slice_of(search),
                                                               known.offset, known.limit, out)
                              : status;
}

cleat_status cleat_client_list_rate_limits(cleat_client *client, const cleat_rate_limit_list_options *options,
                                           cleat_rate_limit_list *out)
{
    if (client == NULL || out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", client == NULL ? "client" : "out");
    }
    *out = (cleat_rate_limit_list){0};
    cleat_status status = list_rate_limits(client, options, out);
    if (status != CLEAT_OK) {
        cleat_rate_limit_list_deinit(out);
    }
    return status;
}

cleat_status cleat_client_delete_rate_limit(cleat_client *client, const char *key)
{
    if (client == NULL || key == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", client == NULL ? "client" : "key");
    }
    cleat_status status = cleat__rate_key_check(cleat_slice_of(key));
    return status == CLEAT_OK ? client->transport->delete_rate_limit(client->transport, cleat_slice_of(key))
                              : status;
}
