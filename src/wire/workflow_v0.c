/*
 * A step is a task by another name, so the older form is read as the newer one: a view is made of it, which
 * is needed only while it is read, as what is read refers to the texts themselves.
 */
#include "wire/workflow_v0.h"

#include "base/alloc.h"
#include "base/error.h"
#include "wire/workflow.h"

/* The maps of the protocol have entries of types of their own, generated alike. */
typedef Cleat__V1__CreateTaskOpts__WorkerLabelsEntry label;
typedef Cleat__CreateWorkflowStepOpts__WorkerLabelsEntry step_label;
_Static_assert(sizeof(label) == sizeof(step_label) && offsetof(label, key) == offsetof(step_label, key) &&
                   offsetof(label, value) == offsetof(step_label, value),
               "one form of entries");

typedef Cleat__V1__CreateTaskRateLimit rate_limit;
typedef Cleat__CreateStepRateLimit step_rate_limit;
_Static_assert(sizeof(rate_limit) == sizeof(step_rate_limit) &&
                   offsetof(rate_limit, key) == offsetof(step_rate_limit, key) &&
                   offsetof(rate_limit, units) == offsetof(step_rate_limit, units) &&
                   offsetof(rate_limit, key_expr) == offsetof(step_rate_limit, key_expr) &&
                   offsetof(rate_limit, units_expr) == offsetof(step_rate_limit, units_expr) &&
                   offsetof(rate_limit, limit_values_expr) == offsetof(step_rate_limit, limit_values_expr) &&
                   offsetof(rate_limit, duration) == offsetof(step_rate_limit, duration),
               "one form of rate limits");

/* What the newer form has no word for, or says in another way. */
static cleat_status check_features(const Cleat__CreateWorkflowVersionOpts *opts)
{
    const struct {
        bool is_used;
        const char *name;
    } features[] = {
        {opts->n_jobs > 1, "several jobs in one workflow"},
        {opts->on_failure_job != NULL && opts->on_failure_job->n_steps != 1,
         "an on_failure_job of more or less than one step"},
        {opts->concurrency != NULL && opts->concurrency->has_expression_case == 0,
         "concurrency whose key an action finds out"},
        {opts->n_scheduled_triggers != 0, "scheduled_triggers"},
    };
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        if (features[i].is_used) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT,
                               "workflow \"%.255s\" needs features that are not supported yet: %s",
                               opts->name, features[i].name);
        }
    }
    return CLEAT_OK;
}

static void view_step(const Cleat__CreateWorkflowVersionOpts *opts, const Cleat__CreateWorkflowStepOpts *step,
                      Cleat__V1__CreateTaskOpts *task)
{
    cleat__v1__create_task_opts__init(task);
    task->readable_id = step->readable_id;
    task->action = step->action;
    task->timeout = step->timeout;
    task->is_durable = opts->has_kind_case != 0 && opts->kind == CLEAT__WORKFLOW_KIND__DURABLE;
    task->retries = step->retries;
    task->parents = step->parents;
    task->n_parents = step->n_parents;
    task->rate_limits = (rate_limit **)(void *)step->rate_limits;
    task->n_rate_limits = step->n_rate_limits;
    task->worker_labels = (label **)(void *)step->worker_labels;
    task->n_worker_labels = step->n_worker_labels;
    if (step->has_backoff_factor_case != 0) {
        task->has_backoff_factor_case = CLEAT__V1__CREATE_TASK_OPTS__HAS_BACKOFF_FACTOR_BACKOFF_FACTOR;
        task->backoff_factor = step->backoff_factor;
    }
    if (step->has_backoff_max_seconds_case != 0) {
        task->has_backoff_max_seconds_case =
            CLEAT__V1__CREATE_TASK_OPTS__HAS_BACKOFF_MAX_SECONDS_BACKOFF_MAX_SECONDS;
        task->backoff_max_seconds = step->backoff_max_seconds;
    }
    if (opts->has_schedule_timeout_case != 0) {
        task->has_schedule_timeout_case = CLEAT__V1__CREATE_TASK_OPTS__HAS_SCHEDULE_TIMEOUT_SCHEDULE_TIMEOUT;
        task->schedule_timeout = opts->schedule_timeout;
    }
}

static void view_concurrency(const Cleat__WorkflowConcurrencyOpts *opts, Cleat__V1__Concurrency *rule)
{
    cleat__v1__concurrency__init(rule);
    rule->expression = opts->expression;
    if (opts->has_max_runs_case != 0) {
        rule->has_max_runs_case = CLEAT__V1__CONCURRENCY__HAS_MAX_RUNS_MAX_RUNS;
        rule->max_runs = opts->max_runs;
    }
    if (opts->has_limit_strategy_case != 0) { /* the same numbers in both */
        rule->has_limit_strategy_case = CLEAT__V1__CONCURRENCY__HAS_LIMIT_STRATEGY_LIMIT_STRATEGY;
        rule->limit_strategy = (Cleat__V1__ConcurrencyLimitStrategy)(int)opts->limit_strategy;
    }
}

static void view_workflow(const Cleat__CreateWorkflowVersionOpts *opts,
                          Cleat__V1__CreateWorkflowVersionRequest *request)
{
    cleat__v1__create_workflow_version_request__init(request);
    request->name = opts->name;
    request->description = opts->description;
    request->version = opts->version;
    request->event_triggers = opts->event_triggers;
    request->n_event_triggers = opts->n_event_triggers;
    request->cron_triggers = opts->cron_triggers;
    request->n_cron_triggers = opts->n_cron_triggers;
    if (opts->has_cron_input_case != 0) {
        request->has_cron_input_case = CLEAT__V1__CREATE_WORKFLOW_VERSION_REQUEST__HAS_CRON_INPUT_CRON_INPUT;
        request->cron_input = opts->cron_input;
    }
    if (opts->has_sticky_case != 0) { /* the same numbers in both */
        request->has_sticky_case = CLEAT__V1__CREATE_WORKFLOW_VERSION_REQUEST__HAS_STICKY_STICKY;
        request->sticky = (Cleat__V1__StickyStrategy)opts->sticky;
    }
    if (opts->has_default_priority_case != 0) {
        request->has_default_priority_case =
            CLEAT__V1__CREATE_WORKFLOW_VERSION_REQUEST__HAS_DEFAULT_PRIORITY_DEFAULT_PRIORITY;
        request->default_priority = opts->default_priority;
    }
}

/* The steps of the job, and that of the job for failures. */
typedef struct steps {
    Cleat__V1__CreateTaskOpts *tasks;  /* owned */
    Cleat__V1__CreateTaskOpts **links; /* owned */
} steps;

static cleat_status view_steps(const Cleat__CreateWorkflowVersionOpts *opts, steps *view,
                               Cleat__V1__CreateWorkflowVersionRequest *request)
{
    const Cleat__CreateWorkflowJobOpts *job = opts->n_jobs != 0 ? opts->jobs[0] : NULL;
    size_t count = job != NULL ? job->n_steps : 0;
    if (count > CLEAT__TASKS_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "workflow \"%.255s\" has %zu steps; at most %d are allowed", opts->name, count,
                           CLEAT__TASKS_MAX);
    }
    view->tasks = cleat__calloc(count + 1, sizeof(*view->tasks));
    view->links = cleat__calloc(count + 1, sizeof(Cleat__V1__CreateTaskOpts *));
    if (view->tasks == NULL || view->links == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < count; i++) {
        view_step(opts, job->steps[i], &view->tasks[i]);
        view->links[i] = &view->tasks[i];
    }
    request->tasks = view->links;
    request->n_tasks = count;
    if (opts->on_failure_job != NULL) {
        view_step(opts, opts->on_failure_job->steps[0], &view->tasks[count]);
        request->on_failure_task = &view->tasks[count];
    }
    return CLEAT_OK;
}

cleat_status cleat__workflow_read_v0(const Cleat__PutWorkflowRequest *message, cleat__workflow *out)
{
    const Cleat__CreateWorkflowVersionOpts *opts = message->opts;
    Cleat__V1__CreateWorkflowVersionRequest request;
    Cleat__V1__Concurrency rule;
    steps view = {.tasks = NULL};
    *out = (cleat__workflow){.name = {NULL, 0}};
    if (opts == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "there are no opts");
    }
    cleat_status status = check_features(opts);
    if (status != CLEAT_OK) {
        return status;
    }
    view_workflow(opts, &request);
    if (opts->concurrency != NULL) {
        view_concurrency(opts->concurrency, &rule);
        request.concurrency = &rule;
    }
    status = view_steps(opts, &view, &request);
    if (status == CLEAT_OK) {
        status = cleat__workflow_read(&request, out);
    }
    cleat__free(view.tasks);
    cleat__free(view.links);
    return status;
}
