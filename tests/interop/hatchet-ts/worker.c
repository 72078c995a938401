/*
 * A worker in C with the instrumentor: `worker [ACTION]...`, whose runs of these actions get traces of their own.
 * HATCHET_CLIENT_* say where the engine is. Prints "ready" and ends at SIGTERM.
 *
 *   c_leaf, c_other  open the span "c span" and give back the metadata they were given
 *   c_parent         starts the child that its input names, {"child":"ts_leaf","relation":"link"}, waits for
 *                    it, and gives back {"child":ID,"output":OUTPUT}
 */
#include <cleat/cleat.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct program {
    char **linked; /* NULL-terminated */
    cleat_tracer *tracer;
} program;

static cleat_status run_leaf(cleat_task *task, void *user_data)
{
    const program *self = user_data;
    cleat_span span = cleat_span_start(self->tracer, "c span", NULL);
    cleat_span_end(span);
    return cleat_task_return_format(task, "{\"metadata\":%.*s}", CLEAT_SLICE_ARGS(cleat_task_metadata(task)));
}

static cleat_trace_relation relation_of(const char *name)
{
    int relation = CLEAT_TRACE_NONE;
    while (relation > CLEAT_TRACE_DEFAULT &&
           (name == NULL || strcmp(name, cleat_trace_relation_name((cleat_trace_relation)relation)) != 0)) {
        relation--;
    }
    return (cleat_trace_relation)relation;
}

static cleat_status wait_for(cleat_task *task, const cleat_run_id *id)
{
    cleat_run_result result = {0};
    cleat_status status = cleat_client_wait(cleat_task_client(task), id, 30000, &result);
    if (status != CLEAT_OK || result.status != CLEAT_RUN_COMPLETED) {
        status = cleat_task_fail(task, CLEAT_FAILED, "the child: %s",
                                 result.error != NULL ? result.error : cleat_error_message());
    } else {
        status = cleat_task_return_format(task, "{\"child\":\"%s\",\"output\":%s}", id->text, result.output);
    }
    cleat_run_result_deinit(&result);
    return status;
}

static cleat_status run_parent(cleat_task *task, void *user_data)
{
    (void)user_data;
    cleat_slice text = cleat_task_input(task);
    json_t *input = json_loadb(text.data, text.size, 0, NULL);
    const char *child = json_string_value(json_object_get(input, "child"));
    cleat_run_options options = {
        .struct_size = sizeof(options),
        .trace = relation_of(json_string_value(json_object_get(input, "relation"))),
    };
    cleat_run_id id;
    cleat_status status = child != NULL
                              ? cleat_task_spawn(task, child, "{\"child\":\"c_leaf\"}", &options, &id)
                              : cleat_task_fail(task, CLEAT_NON_RETRYABLE, "it names no child");
    json_decref(input);
    if (status == CLEAT_OK) {
        return wait_for(task, &id);
    }
    return child != NULL ? cleat_task_fail(task, status, "%s", cleat_error_message()) : status;
}

static bool use_links(const char *action, void *user_data)
{
    const program *self = user_data;
    for (char **linked = self->linked; *linked != NULL; linked++) {
        if (strcmp(*linked, action) == 0) {
            return true;
        }
    }
    return false;
}

static cleat_status work(cleat_client *client, program *self)
{
    static const struct {
        const char *name;
        cleat_task_function run;
    } tasks[] = {{"c_leaf", run_leaf}, {"c_other", run_leaf}, {"c_parent", run_parent}};
    cleat_worker *worker = NULL;
    cleat_status status = cleat_worker_new(client, CLEAT_WORKER_OPTIONS(.name = "in-c", .slots = 8), &worker);
    for (size_t i = 0; status == CLEAT_OK && i < sizeof(tasks) / sizeof(tasks[0]); i++) {
        status = cleat_worker_add_task(
            worker, CLEAT_TASK_OPTIONS(.name = tasks[i].name, .run = tasks[i].run, .user_data = self));
    }
    if (status == CLEAT_OK) {
        status = cleat_worker_start(worker);
    }
    if (status == CLEAT_OK) {
        puts("ready");
        fflush(stdout);
        status = cleat_worker_run(worker);
    }
    cleat_worker_free(worker);
    return status;
}

int main(int argc, char **argv)
{
    (void)argc;
    program self = {.linked = argv + 1};
    cleat_client *client = NULL;
    cleat_instrumentor *instrumentor = NULL;
    cleat_status status = cleat_client_new(NULL, &client);
    if (status == CLEAT_OK) {
        status = cleat_instrumentor_new(
            client, CLEAT_INSTRUMENTOR_OPTIONS(.use_links_instead_of_parent = use_links, .user_data = &self),
            &instrumentor);
    }
    if (status == CLEAT_OK) {
        self.tracer =
            cleat_tracer_provider_get_tracer(cleat_instrumentor_provider(instrumentor), "in-c", NULL);
        status = work(client, &self);
    }
    if (status != CLEAT_OK) {
        fprintf(stderr, "worker: %s\n", cleat_error_message());
    }
    cleat_instrumentor_free(instrumentor);
    cleat_client_free(client);
    return status == CLEAT_OK ? 0 : 1;
}
