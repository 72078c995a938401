/* The task of a step in place: its own input and output, everything else is its workflow's. */
#include "sdk/worker.h"

#include "base/alloc.h"

void cleat__step_init(cleat_task *step, cleat_task *workflow, const cleat_step_options *options, int attempt)
{
    memset(step, 0, sizeof(*step));
    step->worker = workflow->worker;
    step->declaration = workflow->declaration;
    step->assignment = workflow->assignment;
    step->step_name = options->name;
    step->step_machine_name = options->machine_name != NULL ? options->machine_name : options->name;
    step->step_input = cleat_slice_of(options->input != NULL ? options->input : "{}");
    step->step_attempt = attempt;
    step->deadline_ns = INT64_MAX;
    step->id = workflow->id;
    step->workflow_run_id = workflow->workflow_run_id;
    step->parent_id = workflow->parent_id;
    step->tenant_id = workflow->tenant_id;
    step->workflow_id = workflow->workflow_id;
    step->version_id = workflow->version_id;
    step->step_id = workflow->step_id;
    memcpy(step->event_id, workflow->event_id, sizeof(step->event_id));
}

void cleat__step_deinit(cleat_task *step)
{
    cleat_context_release(atomic_load(&step->context));
    cleat__free(step->output);
    cleat__free(step->error);
    cleat__free(step->return_error);
}

void cleat__step_begin(cleat_task *workflow, cleat_task *step, int64_t deadline_ns)
{
    cleat_worker *worker = workflow->worker;
    pthread_mutex_lock(&worker->mutex);
    step->deadline_ns = deadline_ns;
    workflow->step = step;
    atomic_store(&step->cancelled, atomic_load(&workflow->cancelled));
    if (deadline_ns != INT64_MAX) {
        step->next_timed = worker->timed;
        worker->timed = step;
        pthread_cond_signal(worker->canceller_started ? &worker->cancel_work : &worker->house_work);
    }
    pthread_mutex_unlock(&worker->mutex);
}

void cleat__step_end(cleat_task *workflow, cleat_task *step)
{
    cleat_worker *worker = workflow->worker;
    pthread_mutex_lock(&worker->mutex);
    workflow->step = NULL;
    for (cleat_task **at = &worker->timed; *at != NULL; at = &(*at)->next_timed) {
        if (*at == step) {
            *at = step->next_timed;
            break;
        }
    }
    cleat__task_settle_cancel(step);
    pthread_mutex_unlock(&worker->mutex);
}
