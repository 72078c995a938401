/*
 * An order that waits for somebody's approval, up to 24 hours: over restarts, and without holding a thread.
 *
 *     order [TIMEOUT]
 */
#include <cleat/cleat.h>

#include <semaphore.h>
#include <stdio.h>

/* A step: what it does is done once, and its output is recorded. */
static cleat_status ask_for_approval(cleat_task *task, void *user_data)
{
    sem_t *asked = user_data;
    cleat_slice input = cleat_task_input(task);
    printf("please approve: %.*s\n", CLEAT_SLICE_ARGS(input)); /* here a program would send a mail */
    fflush(stdout);
    sem_post(asked);
    return CLEAT_OK;
}

static cleat_status charge(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(task, "{\"receipt\":17}");
}

/* The input is {"token":"..","timeout":".."}, written by start() below. */
static cleat_status process_order(cleat_task *task, void *user_data)
{
    char token[64] = "", timeout[16] = "";
    char text[128];
    cleat_hook hook;
    cleat_slice approval, receipt;
    cleat_slice input = cleat_task_input(task);
    snprintf(text, sizeof text, "%.*s", CLEAT_SLICE_ARGS(input)); /* a program takes a JSON library */
    if (sscanf(text, "{\"token\":\"%63[^\"]\",\"timeout\":\"%15[^\"]\"}", token, timeout) != 2) {
        return cleat_task_fail(task, CLEAT_NON_RETRYABLE, "no order: %s", text);
    }
    cleat_status status = cleat_hook_create(task, token, &hook);
    if (status == CLEAT_OK) {
        status =
            cleat_step_run(task,
                           CLEAT_STEP_OPTIONS(.name = "ask", .run = ask_for_approval, .user_data = user_data,
                                              .input = text, .retries = 3, .backoff_initial_ms = 1000),
                           NULL);
    }
    if (status == CLEAT_OK) {
        status = cleat_hook_wait(task, &hook, timeout, &approval); /* CLEAT_SUSPENDED until then */
    }
    if (status == CLEAT_TIMEOUT) {
        return cleat_task_return(task, "{\"order\":\"not approved in time\"}");
    }
    if (status == CLEAT_OK && !cleat_slice_equals(approval, cleat_slice_of("true"))) {
        return cleat_task_return(task, "{\"order\":\"refused\"}");
    }
    if (status == CLEAT_OK) {
        status = cleat_step(task, "charge", charge, "{\"cents\":990}", &receipt);
    }
    if (status == CLEAT_OK) {
        status =
            cleat_task_return_format(task, "{\"order\":\"paid\",\"by\":%.*s}", CLEAT_SLICE_ARGS(receipt));
    }
    return status; /* CLEAT_SUSPENDED too */
}

static cleat_status start(cleat_client *client, const char *order, const char *timeout, cleat_run_id *id)
{
    char input[128];
    snprintf(input, sizeof input, "{\"token\":\"order-%.40s\",\"timeout\":\"%.15s\"}", order, timeout);
    return cleat_client_run_no_wait(client, "order", input, NULL, id);
}

/* Waits for the end; false when it is not the expected one. */
static bool ends_with(cleat_client *client, const cleat_run_id *id, const char *expected)
{
    cleat_run_result result = {0};
    cleat_status status = cleat_client_wait(client, id, -1, &result);
    const char *text = result.output != NULL ? result.output : result.error;
    printf("order %s: %s\n", id->text, text != NULL ? text : cleat_status_text(status));
    bool is = text != NULL && strcmp(text, expected) == 0;
    cleat_run_result_deinit(&result);
    return is;
}

/* The customer approves the first one, and forgets the second. */
static bool play(cleat_client *client, sem_t *asked, const char *timeout)
{
    cleat_run_id first, second;
    if (start(client, "1", timeout, &first) != CLEAT_OK || start(client, "2", "100ms", &second) != CLEAT_OK) {
        return false;
    }
    sem_wait(asked);
    sem_wait(asked);
    /* From wherever the answer comes in. The engine is this program's, so only it can while it runs; with a token
     * (at `cleat serve`), or when it does not run, `cleat hook resume order-1 true` does too. */
    return cleat_hook_resume(client, "order-1", "true", NULL) == CLEAT_OK &&
           ends_with(client, &first, "{\"order\":\"paid\",\"by\":{\"receipt\":17}}") &&
           ends_with(client, &second, "{\"order\":\"not approved in time\"}");
}

int main(int argc, char **argv)
{
    sem_t asked;
    cleat_client *client = NULL;
    cleat_worker *worker = NULL;
    bool is_right = false;
    sem_init(&asked, 0, 0);
    if (cleat_client_new(NULL, &client) == CLEAT_OK && cleat_worker_new(client, NULL, &worker) == CLEAT_OK &&
        cleat_worker_add_workflow(worker, CLEAT_WORKFLOW(process_order, .name = "order", .user_data = &asked,
                                                         .retries = 5)) == CLEAT_OK &&
        cleat_worker_start(worker) == CLEAT_OK) {
        is_right = play(client, &asked, argc > 1 ? argv[1] : "24h");
    }
    if (!is_right) {
        fprintf(stderr, "%s\n", cleat_error_message());
    }
    cleat_worker_free(worker);
    cleat_client_free(client);
    sem_destroy(&asked);
    return is_right ? 0 : 1;
}
