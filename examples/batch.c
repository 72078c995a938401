/*
 * A task that is done for several at a time: mails, of which those of one shop go to its mail server in one call. Each mail
 * is a run of its own, which one may wait for, and which ends by itself.
 */
#include <cleat/cleat.h>

#include <stdio.h>
#include <stdlib.h>

#define MAILS 6

/* As a mail server would answer: none of them without an address. */
static bool deliver(cleat_slice mail)
{
    return mail.size > 0 && memchr(mail.data, '@', mail.size) != NULL;
}

static cleat_status send_all(cleat_batch *batch, void *user_data)
{
    size_t count = cleat_batch_count(batch);
    (void)user_data;
    printf("%zu mails for %s: %s\n", count, cleat_batch_key(batch), cleat_batch_reason(batch));
    for (size_t i = 0; i < count; i++) {
        cleat_task *mail = cleat_batch_task(batch, i);
        if (cleat_task_is_cancelled(mail)) {
            continue;
        }
        if (!deliver(cleat_task_input(mail))) {
            cleat_task_fail(mail, CLEAT_INVALID_ARGUMENT, "there is no address");
        }
    }
    return cleat_batch_return(batch, "{\"sent\":true}"); /* of all that have not failed */
}

static cleat_status start_worker(cleat_client *client, cleat_worker **worker)
{
    static const cleat_batch_config config = {.max_size = 3, .interval_ms = 200, .group_key = "input.shop"};
    cleat_status status = cleat_worker_new(client, CLEAT_WORKER_OPTIONS(.slots = 1), worker);
    if (status == CLEAT_OK) {
        status = cleat_worker_add_task(
            *worker, CLEAT_TASK_OPTIONS(.name = "mail:send", .run_batch = send_all, .batch = &config));
    }
    return status == CLEAT_OK ? cleat_worker_start(*worker) : status;
}

/* Starts all mails, and says what became of each. */
static cleat_status send_mails(cleat_client *client, int *sent)
{
    static const char *const mails[MAILS] = {"{\"shop\":\"north\",\"to\":\"ada@example.com\"}",
                                             "{\"shop\":\"south\",\"to\":\"bob@example.com\"}",
                                             "{\"shop\":\"north\",\"to\":\"cleo@example.com\"}",
                                             "{\"shop\":\"north\",\"to\":\"nobody\"}",
                                             "{\"shop\":\"south\",\"to\":\"dan@example.com\"}",
                                             "{\"shop\":\"north\",\"to\":\"eve@example.com\"}"};
    cleat_run_item items[MAILS] = {{NULL, NULL, NULL}};
    cleat_run_id ids[MAILS];
    for (size_t i = 0; i < MAILS; i++) {
        items[i].task = "mail:send";
        items[i].input = mails[i];
    }
    cleat_status status = cleat_client_run_many(client, items, MAILS, ids);
    for (size_t i = 0; i < MAILS && status == CLEAT_OK; i++) {
        cleat_run_result result = {0};
        status = cleat_client_wait(client, &ids[i], -1, &result);
        if (status == CLEAT_OK) {
            printf("%s: %s\n", mails[i], result.output != NULL ? result.output : result.error);
            *sent += result.status == CLEAT_RUN_COMPLETED;
        }
        cleat_run_result_deinit(&result);
    }
    return status;
}

int main(void)
{
    cleat_client *client = NULL;
    cleat_worker *worker = NULL;
    int sent = 0;

    cleat_status status = cleat_client_new(NULL, &client);
    if (status == CLEAT_OK) {
        status = start_worker(client, &worker);
    }
    if (status == CLEAT_OK) {
        status = send_mails(client, &sent);
    }
    if (status == CLEAT_OK) {
        printf("%d of %d mails were sent\n", sent, MAILS);
    } else {
        fprintf(stderr, "%s\n", cleat_error_message());
    }

    cleat_worker_free(worker);
    cleat_client_free(client);
    return status == CLEAT_OK && sent == MAILS - 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
