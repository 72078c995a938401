/*
 * A parent that starts children and does not wait for them. Each child gets a trace of its own,
 * tied to the parent's by a link, so the parent's trace ends when the parent does.
 */
#include <cleat/cleat.h>

#include <stdio.h>

#define CHILDREN 20

/* What the tasks share with main(); given to them as user_data. */
typedef struct fan_out {
    cleat_tracer *tracer;
    cleat_run_id children[CHILDREN]; /* written by the parent, read when it has ended */
} fan_out;

/* Sums 1 to n, in a span of its own. */
static cleat_status sum(cleat_task *task, void *user_data)
{
    const fan_out *shared = user_data;
    long long total = 0;
    cleat_span span = cleat_span_start(shared->tracer, "add up", NULL);
    for (int64_t i = 1; i <= 1000 * (cleat_task_child_index(task) + 1); i++) {
        total += i;
    }
    cleat_span_set_int(span, "sum", total);
    cleat_span_end(span);
    return cleat_task_return_format(task, "{\"sum\":%lld}", total);
}

static cleat_status start_all(cleat_task *task, void *user_data)
{
    fan_out *shared = user_data;
    for (int i = 0; i < CHILDREN; i++) {
        /* Started again after a crash, this gives the same child, not a second one. */
        cleat_status status = cleat_task_spawn(task, "fan:sum", NULL, NULL, &shared->children[i]);
        if (status != CLEAT_OK) {
            return cleat_task_fail(task, status, "child %d: %s", i, cleat_error_message());
        }
    }
    return cleat_task_return_format(task, "{\"children\":%d}", CHILDREN);
}

/* Work that nobody waits for: a linked trace. */
static bool use_links(const char *action_id, void *user_data)
{
    (void)user_data;
    return strcmp(action_id, "fan:sum") == 0;
}

static cleat_status set_up(cleat_client *client, fan_out *shared, cleat_instrumentor **instrumentor,
                           cleat_worker **worker)
{
    cleat_status status = cleat_instrumentor_new(
        client, CLEAT_INSTRUMENTOR_OPTIONS(.use_links_instead_of_parent = use_links), instrumentor);
    if (status != CLEAT_OK) {
        return status;
    }
    shared->tracer =
        cleat_tracer_provider_get_tracer(cleat_instrumentor_provider(*instrumentor), "fan_out", NULL);
    status = cleat_worker_new(client, CLEAT_WORKER_OPTIONS(.slots = 32, .threads = 2), worker);
    if (status == CLEAT_OK) {
        status = cleat_worker_add_task(
            *worker, CLEAT_TASK_OPTIONS(.name = "fan:out", .run = start_all, .user_data = shared));
    }
    if (status == CLEAT_OK) {
        status = cleat_worker_add_task(
            *worker, CLEAT_TASK_OPTIONS(.name = "fan:sum", .run = sum, .user_data = shared, .retries = 2));
    }
    return status == CLEAT_OK ? cleat_worker_start(*worker) : status;
}

static int count_completed(cleat_client *client, const fan_out *shared)
{
    int completed = 0;
    for (int i = 0; i < CHILDREN; i++) {
        cleat_run_result child = {0};
        if (cleat_client_wait(client, &shared->children[i], -1, &child) == CLEAT_OK) {
            completed += child.status == CLEAT_RUN_COMPLETED;
        }
        cleat_run_result_deinit(&child);
    }
    return completed;
}

int main(void)
{
    cleat_client *client = NULL;
    cleat_instrumentor *instrumentor = NULL;
    cleat_worker *worker = NULL;
    cleat_run_result result = {0};
    fan_out shared = {0};
    int completed = 0;

    cleat_status status = cleat_client_new(NULL, &client);
    if (status == CLEAT_OK) {
        status = set_up(client, &shared, &instrumentor, &worker);
    }
    if (status == CLEAT_OK) {
        status = cleat_client_run(client, "fan:out", NULL, NULL, &result);
    }
    if (status == CLEAT_OK) {
        printf("run %s %s\n", result.id.text, cleat_run_status_name(result.status));
        completed = result.status == CLEAT_RUN_COMPLETED ? count_completed(client, &shared) : 0;
        printf("%d of %d children completed\n", completed, CHILDREN);
        printf("look at it:  cleat traces ls    cleat traces show ID\n");
    } else {
        fprintf(stderr, "%s\n", cleat_error_message());
    }

    cleat_run_result_deinit(&result);
    cleat_worker_free(worker);
    cleat_instrumentor_free(instrumentor);
    cleat_client_free(client);
    return completed == CHILDREN ? 0 : 1;
}
