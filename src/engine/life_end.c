#include "engine/dag.h"
#include "engine/life_parts.h"

#include "base/alloc.h"
#include "engine/claims.h"
#include "engine/durable_chain.h"
#include "store/dag.h"

static void answer_waiter(cleat__core *core, cleat__command *waiter, const cleat__run *run, cleat_slice text)
{
    cleat_run_status state = (cleat_run_status)run->state;
    cleat_run_result *result = waiter->as.wait.result;
    *result = (cleat_run_result){.status = state};
    cleat__uuid_format(&waiter->as.wait.id, result->id.text);
    cleat_status status = CLEAT_OK;
    if (state != CLEAT_RUN_CANCELLED) {
        char *copy = cleat__slice_dup(text);
        *(state == CLEAT_RUN_COMPLETED ? &result->output : &result->error) = copy;
        status = copy != NULL ? CLEAT_OK : CLEAT_NO_MEMORY;
    }
    char **task_name = waiter->as.wait.task_name;
    if (task_name != NULL) {
        *task_name = cleat__slice_dup(run->type->task_name);
        status = *task_name != NULL ? status : CLEAT_NO_MEMORY;
    }
    if (status == CLEAT_OK && cleat__run_is_dag(run) && waiter->as.wait.tasks != NULL) {
        status = cleat__dag_results(core->store, &run->id, waiter->as.wait.tasks);
    }
    waiter->as.wait.run = NULL;
    cleat__core_answer(core, waiter, status);
}

static cleat__happening_kind happening_of(cleat__event event)
{
    switch (event) {
    case CLEAT__EVENT_SKIP:
    case CLEAT__EVENT_COMPLETE: return CLEAT__HAPPENING_COMPLETED;
    case CLEAT__EVENT_CANCEL:
    case CLEAT__EVENT_SUPERSEDE:
    case CLEAT__EVENT_SCHEDULE_TIME_OUT: return CLEAT__HAPPENING_CANCELLED;
    case CLEAT__EVENT_TIME_OUT_FAIL: return CLEAT__HAPPENING_TIMED_OUT;
    default: return CLEAT__HAPPENING_FAILED;
    }
}

cleat_status cleat__life_finish(cleat__core *core, cleat__run *run, cleat__event event, cleat_slice text)
{
    int state = cleat__state_next(run->state, event);
    bool may_miss_chunks = run->worker != NULL && run->worker->is_remote && !run->worker->may_repeat;
    cleat__life_stop_invocation(core, run, event);
    cleat__queues_remove(&core->queues, run);
    cleat__life_let_go(core, run);
    cleat__life_set_state(core, run, state);
    core->totals.ended[state]++;
    while (run->waiters != NULL) {
        cleat__command *waiter = run->waiters;
        run->waiters = waiter->next;
        answer_waiter(core, waiter, run, text);
    }
    cleat_status status = cleat__watches_end(core, run, happening_of(event), text, may_miss_chunks);
    if (status == CLEAT_OK && cleat__run_is_durable(run)) {
        status = cleat__durable_succeed(core, cleat__durable_of(run), state, text);
    }
    if (status == CLEAT_OK && cleat__run_is_durable(run)) {
        status = cleat__durable_end(core, cleat__durable_of(run));
    }
    status = status == CLEAT_OK ? cleat__durable_child_ended(core, run, state, text) : status;
    status = status == CLEAT_OK ? cleat__claims_end(core, run) : status;
    if (status == CLEAT_OK && run->type->dag != NULL) {
        status = cleat__dag_task_ended(core, run, text);
    }
    cleat__life_forget(core, run);
    return status;
}
