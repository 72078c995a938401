#include "sdk/instrumentor.h"

void cleat__ledger_init(cleat__ledger *ledger)
{
    memset(ledger, 0, sizeof *ledger);
    pthread_mutex_init(&ledger->mutex, NULL);
}

void cleat__ledger_deinit(cleat__ledger *ledger)
{
    pthread_mutex_destroy(&ledger->mutex);
}

void cleat__ledger_add(cleat__ledger *ledger, const cleat_trace_id *trace_id, uint64_t count, int64_t now_s,
                       int64_t *start_s, uint64_t *before)
{
    size_t index = trace_id->bytes[sizeof trace_id->bytes - 1] % CLEAT__LEDGER_SIZE;
    pthread_mutex_lock(&ledger->mutex);
    if (memcmp(&ledger->entries[index].trace_id, trace_id, sizeof *trace_id) != 0) {
        ledger->entries[index].trace_id = *trace_id;
        ledger->entries[index].start_s = now_s;
        ledger->entries[index].spans = 0;
    }
    *start_s = ledger->entries[index].start_s;
    *before = ledger->entries[index].spans;
    ledger->entries[index].spans += count;
    pthread_mutex_unlock(&ledger->mutex);
}
