#include "model/durable.h"

#include "base/alloc.h"

void cleat__node_end_deinit(cleat__node_end *end)
{
    cleat__free(end->payload);
    cleat__free(end->error);
    end->payload = end->error = NULL;
}

void cleat__durable_request_deinit(cleat__durable_request *request)
{
    if (request->kind == CLEAT__DURABLE_MEMO) {
        cleat__free(request->as.memo.value);
        request->as.memo.value = NULL;
    }
    if (request->kind == CLEAT__DURABLE_AWAIT) {
        for (size_t i = 0; i < request->as.await.count; i++) {
            cleat__node_end_deinit(&request->as.await.ends[i]);
        }
    }
}
