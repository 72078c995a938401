#include "engine/run_batch.h"

#include "base/alloc.h"
#include "base/error.h"

enum { GROUP = 500 };

typedef struct cleat__run_batch_item {
    cleat__command command; /* first */
    cleat__run_batch *owner;
} item;

size_t cleat__run_batch_max(cleat__command_kind kind)
{
    return kind == CLEAT__COMMAND_REPLAY ? 1000 : 20000;
}

/* With this thread's sentence. */
static void end(cleat__run_batch *batch, cleat_status status)
{
    batch->status = status;
    batch->error = status != CLEAT_OK ? cleat__strdup(cleat_error_message()) : NULL;
    batch->done(batch->argument);
}

static void take_answer(cleat__run_batch *batch, cleat__command *command, cleat__uuid id)
{
    cleat_status status = command->status;
    if (status == CLEAT_OK || status == CLEAT_FAILED_PRECONDITION) {
        batch->ids[batch->accepted++] = id;
    } else if (status != CLEAT_NOT_FOUND && batch->status == CLEAT_OK) {
        batch->status = status;
        batch->error = command->error;
        command->error = NULL;
    }
    cleat__free(command->error);
}

static void start_group(cleat__run_batch *batch);

static void count_down(cleat__run_batch *batch)
{
    if (atomic_fetch_sub(&batch->left, 1) != 1) {
        return;
    }
    for (size_t i = batch->from; i < batch->to; i++) {
        take_answer(batch, &batch->items[i - batch->from].command, batch->ids[i]);
    }
    batch->from = batch->to;
    if (batch->status == CLEAT_OK) {
        start_group(batch);
    } else {
        batch->done(batch->argument);
    }
}

static void on_done(cleat__command *command)
{
    count_down(((item *)command)->owner);
}

static void start_group(cleat__run_batch *batch)
{
    if (batch->from == batch->count) {
        batch->done(batch->argument);
        return;
    }
    if (!batch->goes_on(batch->argument)) {
        end(batch, cleat__fail(CLEAT_CANCELLED, "given up: %zu of %zu runs have been dealt with", batch->from,
                               batch->count));
        return;
    }
    size_t count = batch->count - batch->from < GROUP ? batch->count - batch->from : GROUP;
    batch->to = batch->from + count;
    atomic_store(&batch->left, count + 1);
    for (size_t i = 0; i < count; i++) {
        batch->items[i].owner = batch;
        batch->items[i].command = (cleat__command){.kind = batch->kind,
                                                   .tenant = batch->tenant,
                                                   .follows = batch->follows,
                                                   .done = on_done,
                                                   .as.id = batch->ids[batch->from + i]};
        cleat__engine_submit(batch->engine, &batch->items[i].command);
    }
    count_down(batch);
}

void cleat__run_batch_start(cleat__run_batch *batch)
{
    atomic_init(&batch->left, 0);
    batch->items = cleat__calloc(batch->count < GROUP ? batch->count + 1 : GROUP, sizeof(*batch->items));
    if (batch->items == NULL) {
        end(batch, cleat__fail_memory());
    } else {
        start_group(batch);
    }
}

void cleat__run_batch_deinit(cleat__run_batch *batch)
{
    cleat__free(batch->items);
    cleat__free(batch->error);
}
