#include "random_ids.h"

#include "base/random.h"

static uint64_t next_non_zero(cleat__random *random)
{
    uint64_t value;
    do {
        value = cleat__random_next(random);
    } while (value == 0);
    return value;
}

void cleat__random_ids_make(cleat_trace_id *trace_id, cleat_span_id *span_id)
{
    cleat__random *random = cleat__random_thread();
    if (trace_id != NULL) {
        uint64_t halves[2] = {cleat__random_next(random), next_non_zero(random)};
        memcpy(trace_id->bytes, halves, sizeof(trace_id->bytes));
    }
    uint64_t value = next_non_zero(random);
    memcpy(span_id->bytes, &value, sizeof(span_id->bytes));
}

static void random_trace_id(void *user_data, cleat_trace_id *out)
{
    cleat_span_id unused;
    (void)user_data;
    cleat__random_ids_make(out, &unused);
}

static void random_span_id(void *user_data, cleat_span_id *out)
{
    (void)user_data;
    cleat__random_ids_make(NULL, out);
}

const cleat_id_generator cleat__random_ids = {
    .trace_id = random_trace_id,
    .span_id = random_span_id,
    .random = true,
};
