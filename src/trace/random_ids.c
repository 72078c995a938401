#include "random_ids.h"

#include "base/random.h"

static void random_trace_id(void *user_data, cleat_trace_id *out)
{
    cleat__random *random = cleat__random_thread();
    uint64_t halves[2] = {cleat__random_next(random), cleat__random_non_zero(random)};
    (void)user_data;
    memcpy(out->bytes, halves, sizeof(out->bytes));
}

static void random_span_id(void *user_data, cleat_span_id *out)
{
    uint64_t value = cleat__random_non_zero(cleat__random_thread());
    (void)user_data;
    memcpy(out->bytes, &value, sizeof(out->bytes));
}

const cleat_id_generator cleat__random_ids = {
    .trace_id = random_trace_id,
    .span_id = random_span_id,
    .random = true,
};
