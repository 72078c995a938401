#include "sdk/client.h"

#include "base/error.h"
#include "sdk/options.h"

cleat_status cleat_client_add_interceptor(cleat_client *client, const cleat_interceptor *interceptor)
{
    cleat_interceptor copy;
    if (client == NULL || interceptor == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", client == NULL ? "client" : "interceptor");
    }
    cleat_status status = cleat__options_read("cleat_interceptor", interceptor, &copy, sizeof copy);
    if (status != CLEAT_OK) {
        return status;
    }
    if (client->interceptor_count == CLEAT__INTERCEPTORS_MAX) {
        return cleat__fail(CLEAT_RESOURCE_EXHAUSTED, "a client has at most %d interceptors",
                           CLEAT__INTERCEPTORS_MAX);
    }
    client->interceptors[client->interceptor_count++] = copy;
    return CLEAT_OK;
}

const cleat_interceptor *cleat__client_interceptor(const cleat_client *client,
                                                   cleat_status (*trigger)(void *, cleat_trigger_call *))
{
    for (size_t i = 0; i < client->interceptor_count; i++) {
        if (client->interceptors[i].trigger == trigger) {
            return &client->interceptors[i];
        }
    }
    return NULL;
}

void cleat__client_remove_interceptor(cleat_client *client,
                                      cleat_status (*trigger)(void *, cleat_trigger_call *))
{
    size_t kept = 0;
    for (size_t i = 0; i < client->interceptor_count; i++) {
        if (client->interceptors[i].trigger != trigger) {
            client->interceptors[kept++] = client->interceptors[i];
        }
    }
    client->interceptor_count = kept;
}

cleat_status cleat__chain_check(const cleat__chain *chain)
{
    return chain->spent ? cleat__fail(CLEAT_FAILED_PRECONDITION, "an interceptor called proceed twice")
                        : CLEAT_OK;
}

const cleat_interceptor *cleat__chain_next(cleat__chain *chain, size_t hook_offset)
{
    while (chain->next < chain->client->interceptor_count) {
        const cleat_interceptor *interceptor = &chain->client->interceptors[chain->next++];
        void (*hook)(void) = NULL;
        memcpy(&hook, (const char *)interceptor + hook_offset, sizeof hook);
        if (hook != NULL) {
            return interceptor;
        }
    }
    return NULL;
}

cleat_status cleat__chain_end(cleat_status status, bool is_made)
{
    return status != CLEAT_OK || is_made
               ? status
               : cleat__fail(CLEAT_FAILED_PRECONDITION, "an interceptor kept the call from being made");
}
