/* A run in half a second, and two tomorrow that are taken back. */
#include <cleat/cleat.h>

#include <semaphore.h>
#include <stdio.h>
#include <time.h>

static int64_t now_ms(void)
{
    return cleat_clock_system()->unix_ns(cleat_clock_system()->user_data) / 1000000;
}

static cleat_status remind(cleat_task *task, void *user_data)
{
    printf("reminded: %.*s\n", CLEAT_SLICE_ARGS(cleat_task_input(task)));
    (void)sem_post(user_data);
    return CLEAT_OK;
}

static cleat_status show(cleat_client *client)
{
    cleat_schedule_list list = {0};
    cleat_status status = cleat_client_list_schedules(client, NULL, &list);
    for (size_t i = 0; i < list.count; i++) {
        printf("%s of %s in %lld s\n", list.items[i].id.text, list.items[i].workflow,
               (long long)((list.items[i].at_ms - now_ms()) / 1000));
    }
    cleat_schedule_list_deinit(&list);
    return status;
}

static cleat_status plan(cleat_client *client)
{
    const int64_t day_ms = INT64_C(24) * 3600 * 1000;
    const int64_t tomorrow[] = {now_ms() + day_ms, now_ms() + day_ms + 60000};
    cleat_schedule_id ids[2];
    cleat_status status =
        cleat_client_schedule(client, "remind", now_ms() + 500, "{\"of\":\"tea\"}", NULL, NULL);
    if (status == CLEAT_OK) {
        status = cleat_client_schedule_many(client, "remind", tomorrow, 2, "{\"of\":\"lunch\"}",
                                            CLEAT_RUN_OPTIONS(.trace = CLEAT_TRACE_LINK), ids);
    }
    if (status == CLEAT_OK) {
        status = show(client);
    }
    for (size_t i = 0; i < 2 && status == CLEAT_OK; i++) {
        status = cleat_client_delete_schedule(client, &ids[i]);
    }
    return status;
}

static cleat_status start_worker(cleat_client *client, sem_t *done, cleat_worker **worker)
{
    cleat_status status = cleat_worker_new(client, NULL, worker);
    if (status == CLEAT_OK) {
        status = cleat_worker_add_task(
            *worker, CLEAT_TASK_OPTIONS(.name = "remind", .run = remind, .user_data = done));
    }
    return status == CLEAT_OK ? cleat_worker_start(*worker) : status;
}

int main(void)
{
    cleat_client *client = NULL;
    cleat_instrumentor *instrumentor = NULL;
    cleat_worker *worker = NULL;
    struct timespec until;
    bool is_done = false;
    sem_t done;
    (void)sem_init(&done, 0, 0);

    cleat_status status = cleat_client_new(NULL, &client);
    if (status == CLEAT_OK) {
        status = cleat_instrumentor_new(client, NULL, &instrumentor);
    }
    if (status == CLEAT_OK) {
        status = start_worker(client, &done, &worker);
    }
    if (status == CLEAT_OK) {
        status = plan(client);
    }
    if (status == CLEAT_OK) {
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 60;
        is_done = sem_timedwait(&done, &until) == 0;
    } else {
        fprintf(stderr, "%s\n", cleat_error_message());
    }

    cleat_worker_free(worker);
    cleat_instrumentor_free(instrumentor);
    cleat_client_free(client);
    (void)sem_destroy(&done);
    return is_done ? 0 : 1;
}
