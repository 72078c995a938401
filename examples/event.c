/* Tasks that events start: two tasks hear of each order that is paid, though nobody calls them. */
#include <cleat/cleat.h>

#include <semaphore.h>
#include <stdio.h>
#include <time.h>

#define ORDERS 3

/* What the tasks share with main(). */
typedef struct shop {
    sem_t done; /* once for each run */
} shop;

static cleat_status ship(cleat_task *task, void *user_data)
{
    shop *shared = user_data;
    cleat_slice order = cleat_task_input(task); /* the event's payload */
    printf("ship %.*s because of %s\n", CLEAT_SLICE_ARGS(order), cleat_task_event_key(task));
    (void)sem_post(&shared->done);
    return CLEAT_OK;
}

/* Runs at least once: a program that must not send two bills asks by the event's id whether it has. */
static cleat_status bill(cleat_task *task, void *user_data)
{
    shop *shared = user_data;
    printf("bill for event %s\n", cleat_task_event_id(task));
    (void)sem_post(&shared->done);
    return CLEAT_OK;
}

static cleat_status start_worker(cleat_client *client, shop *shared, cleat_worker **worker)
{
    static const char *const paid[] = {"order:paid", "order:paid-later", NULL};
    cleat_status status = cleat_worker_new(client, CLEAT_WORKER_OPTIONS(.slots = 4), worker);
    if (status == CLEAT_OK) {
        status = cleat_worker_add_task(*worker, CLEAT_TASK_OPTIONS(.name = "shop:ship", .run = ship,
                                                                   .user_data = shared, .on_events = paid));
    }
    if (status == CLEAT_OK) {
        status = cleat_worker_add_task(*worker, CLEAT_TASK_OPTIONS(.name = "shop:bill", .run = bill,
                                                                   .user_data = shared, .on_events = paid));
    }
    return status == CLEAT_OK ? cleat_worker_start(*worker) : status;
}

static cleat_status push_all(cleat_client *client)
{
    static const cleat_event_item later[] = {
        {"order:paid", "{\"order\":2}", NULL},
        {"order:paid-later", "{\"order\":3}", NULL},
        {"order:lost", "{\"order\":4}", NULL}, /* nobody listens: it is stored */
    };
    cleat_event_id id;
    cleat_status status = cleat_client_push(
        client, "order:paid", "{\"order\":1}",
        CLEAT_EVENT_OPTIONS(.metadata = "{\"customer\":\"7\"}", .trace = CLEAT_TRACE_LINK), &id);
    if (status == CLEAT_OK) {
        printf("event %s\n", id.text);
        status = cleat_client_push_many(client, later, sizeof later / sizeof later[0], NULL);
    }
    return status;
}

/* Within a minute. */
static bool wait_for_runs(shop *shared, int count)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 60;
    while (count > 0 && sem_timedwait(&shared->done, &until) == 0) {
        count--;
    }
    return count == 0;
}

int main(void)
{
    cleat_client *client = NULL;
    cleat_instrumentor *instrumentor = NULL;
    cleat_worker *worker = NULL;
    shop shared;
    bool is_done = false;
    (void)sem_init(&shared.done, 0, 0);

    cleat_status status = cleat_client_new(NULL, &client);
    if (status == CLEAT_OK) {
        status = cleat_instrumentor_new(client, NULL, &instrumentor);
    }
    if (status == CLEAT_OK) {
        status = start_worker(client, &shared, &worker);
    }
    if (status == CLEAT_OK) {
        status = push_all(client);
    }
    if (status == CLEAT_OK) {
        is_done = wait_for_runs(&shared, 2 * ORDERS);
    } else {
        fprintf(stderr, "%s\n", cleat_error_message());
    }

    cleat_worker_free(worker);
    cleat_instrumentor_free(instrumentor);
    cleat_client_free(client);
    (void)sem_destroy(&shared.done);
    return is_done ? 0 : 1;
}
