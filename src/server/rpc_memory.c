#include "rpc_parts.h"

#include "base/error.h"
#include "base/log.h"

/* With these the account may be overdrawn by a quarter: without heartbeats and reports nothing would ever end. */
#define SMALL_SIZE ((size_t)16 * 1024)

void cleat__rpc_account_add(cleat__rpc_server *server, size_t size)
{
    atomic_fetch_add_explicit(&server->memory, size, memory_order_relaxed);
}

void cleat__rpc_account_take(cleat__rpc_server *server, size_t size)
{
    atomic_fetch_sub_explicit(&server->memory, size, memory_order_relaxed);
}

cleat_status cleat__rpc_admit(cleat__rpc_server *server, size_t size)
{
    static cleat__log_site site;
    size_t used = atomic_load_explicit(&server->memory, memory_order_relaxed);
    size_t max = server->max_memory + (size <= SMALL_SIZE ? server->max_memory / 4 : 0);
    if (used < max && size <= max - used) {
        return CLEAT_OK;
    }
    cleat_status status =
        cleat__fail(CLEAT_RESOURCE_EXHAUSTED,
                    "the server has %zu MiB of messages in its hands: try again later", used >> 20);
    cleat__log_limited(&site, CLEAT_LOG_WARN, "refused a call: %s", cleat_error_message());
    return status;
}

void cleat__rpc_charge(cleat__rpc_call *call, size_t size)
{
    cleat__rpc_account_add(call->server, size);
}

void cleat__rpc_discharge(cleat__rpc_call *call, size_t size)
{
    cleat__rpc_account_take(call->server, size);
}

bool cleat__rpc_is_short(const cleat__rpc_call *call)
{
    const cleat__rpc_server *server = call->server;
    return atomic_load_explicit(&server->memory, memory_order_relaxed) > server->max_memory / 2;
}
