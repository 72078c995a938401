/* Invocations of durable tasks that this process works on, and what has been said of their nodes. */
#include "transport/grpc_durable.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/json.h"
#include "transport/grpc_worker.h"
#include "wire/payload.h"

enum { NODE_KEY_SIZE = 2 * sizeof(int64_t) };

/* A task with invocations here, the newest first: a former one may still have somebody inside. */
typedef struct durable_task {
    cleat__uuid id;
    cleat__remote_invocation *newest;
} durable_task;

/* A node's completion; in one block with its texts. */
typedef struct ended_node {
    char key[NODE_KEY_SIZE];
    int64_t order;
    bool is_failure, is_cancelled;
    const char *payload, *error; /* NULL: none */
} ended_node;

static cleat_slice key_of(const cleat__uuid *id)
{
    return (cleat_slice){(const char *)id->bytes, sizeof(id->bytes)};
}

static void make_node_key(const cleat__node *node, char key[NODE_KEY_SIZE])
{
    memcpy(key, &node->branch, sizeof(node->branch));
    memcpy(key + sizeof(node->branch), &node->number, sizeof(node->number));
}

/* ---- Finding ---- */

cleat__remote_invocation *cleat__remote_invocation_find(const cleat__remote_durables *durables,
                                                        const cleat__uuid *task_id, int32_t count)
{
    const durable_task *task = cleat__map_get(&durables->tasks, key_of(task_id));
    cleat__remote_invocation *it = task != NULL ? task->newest : NULL;
    while (it != NULL && it->count != count) {
        it = it->older;
    }
    return it;
}

int32_t cleat__remote_invocation_newest(const cleat__remote_durables *durables, const cleat__uuid *task_id)
{
    const durable_task *task = cleat__map_get(&durables->tasks, key_of(task_id));
    return task != NULL ? task->newest->count : 0;
}

/* ---- Beginning ---- */

static durable_task *find_or_add_task(cleat__remote_durables *durables, const cleat__uuid *id)
{
    durable_task *task = cleat__map_get(&durables->tasks, key_of(id));
    if (task != NULL) {
        return task;
    }
    task = cleat__calloc(1, sizeof(*task));
    if (task == NULL) {
        return NULL;
    }
    task->id = *id;
    if (cleat__map_put(&durables->tasks, key_of(&task->id), task) != CLEAT_OK) {
        cleat__free(task);
        return NULL;
    }
    return task;
}

/* There is a next one: whoever is still inside is late, and an eviction has taken place. */
static void supersede(cleat__remote_invocation *invocation)
{
    for (cleat__remote_invocation *it = invocation; it != NULL; it = it->older) {
        cleat__remote_ask *ask = it->first;
        if (ask != NULL && ask->requests[0].kind == CLEAT__DURABLE_EVICT) {
            ask->answered = ask->count;
            cleat__remote_settle(ask, CLEAT_OK, NULL);
        }
        cleat__remote_invocation_fail(it, CLEAT_CANCELLED, "the run is in another invocation");
    }
}

cleat_status cleat__remote_invocation_begin(cleat__remote_worker *worker, const cleat__assignment *assignment)
{
    cleat__remote_durables *durables = &worker->workers->durables;
    cleat__remote_invocation *it = cleat__calloc(1, sizeof(*it));
    durable_task *task = it != NULL ? find_or_add_task(durables, &assignment->task_id) : NULL;
    if (task == NULL) {
        cleat__free(it);
        return cleat__fail_memory();
    }
    supersede(task->newest);
    it->durables = durables;
    it->task_id = assignment->task_id;
    it->count = assignment->invocation_count;
    it->retry_count = assignment->retry_count;
    it->older = task->newest;
    task->newest = it;
    it->stream = &worker->durable;
    it->next = it->stream->invocations;
    if (it->next != NULL) {
        it->next->previous = it;
    }
    it->stream->invocations = it;
    cleat__remote_stream_open(it->stream);
    return CLEAT_OK;
}

/* ---- Its end ---- */

static void free_invocation(cleat__remote_invocation *it)
{
    size_t cursor = 0;
    for (ended_node *node; (node = cleat__map_next(&it->ended, &cursor)) != NULL;) {
        cleat__free(node);
    }
    cleat__map_deinit(&it->ended);
    cleat__free(it->branches);
    cleat__free(it->fate_text);
    cleat__free(it);
}

static void unlink_invocation(cleat__remote_invocation *it)
{
    cleat__remote_durables *durables = it->durables;
    durable_task *task = cleat__map_get(&durables->tasks, key_of(&it->task_id));
    *(it->previous != NULL ? &it->previous->next : &it->stream->invocations) = it->next;
    if (it->next != NULL) {
        it->next->previous = it->previous;
    }
    it->stream = NULL;
    cleat__remote_invocation **at = &task->newest;
    while (*at != it) {
        at = &(*at)->older;
    }
    *at = it->older;
    if (task->newest == NULL) {
        (void)cleat__map_remove(&durables->tasks, key_of(&task->id));
        cleat__free(task);
    }
}

static void end(cleat__remote_invocation *it)
{
    cleat__remote_invocation_fail(it, CLEAT_CANCELLED, "the invocation is over");
    unlink_invocation(it);
    if (it->callers == 0) {
        free_invocation(it);
    }
}

void cleat__remote_invocation_end(cleat__remote_durables *durables, const cleat__uuid *task_id, int32_t count)
{
    cleat__remote_invocation *it = cleat__remote_invocation_find(durables, task_id, count);
    if (it != NULL) {
        end(it);
    }
}

void cleat__remote_invocation_release(cleat__remote_invocation *it)
{
    it->callers--;
    if (it->callers == 0 && it->stream == NULL) {
        free_invocation(it);
    }
}

void cleat__remote_invocation_fail(cleat__remote_invocation *it, cleat_status status, const char *text)
{
    if (it->fate == CLEAT_OK) {
        it->fate = status;
        it->fate_text = cleat__strdup(text);                  /* on no memory the status has its own */
        pthread_cond_broadcast(&it->durables->link->changed); /* one may wait for something else */
    }
    while (it->first != NULL) {
        cleat__remote_settle(it->first, status, text);
    }
}

void cleat__remote_invocation_lose(cleat__remote_invocation *it, const char *text)
{
    if (!it->durables->link->is_cleat) {
        cleat__remote_invocation_fail(it, CLEAT_UNAVAILABLE, text);
        return;
    }
    const cleat__report back = {.task_id = it->task_id,
                                .retry_count = it->retry_count,
                                .invocation_count = it->count,
                                .status = CLEAT_UNAVAILABLE};
    cleat__remote_workers *workers = it->stream->worker->workers;
    cleat__remote_invocation_fail(it, CLEAT_CANCELLED, text);
    (void)cleat__remote_report_locked(workers, &back);
}

bool cleat__remote_invocation_cancel(cleat__remote_durables *durables, const cleat__uuid *task_id,
                                     int32_t count)
{
    cleat__remote_invocation *it = cleat__remote_invocation_find(durables, task_id, count);
    if (it != NULL) {
        cleat__remote_invocation_fail(it, CLEAT_CANCELLED, "the run was cancelled");
    }
    return cleat__remote_invocation_newest(durables, task_id) <= count;
}

/* ---- Nodes ---- */

cleat_status cleat__remote_invocation_name_node(cleat__remote_invocation *it, int64_t branch)
{
    if ((size_t)it->node == it->branch_room) {
        size_t room = it->branch_room != 0 ? 2 * it->branch_room : 8;
        int64_t *branches = cleat__realloc(it->branches, room * sizeof(*branches));
        if (branches == NULL) {
            return cleat__fail_memory();
        }
        it->branches = branches;
        it->branch_room = room;
    }
    it->branches[it->node++] = branch;
    return CLEAT_OK;
}

void cleat__remote_invocation_resolve(const cleat__remote_invocation *it, cleat__node *nodes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool is_named = nodes[i].number >= 1 && nodes[i].number <= it->node;
        if (nodes[i].branch == CLEAT__BRANCH_UNSAID && is_named) {
            nodes[i].branch = it->branches[nodes[i].number - 1];
        }
    }
}

/* "task was cancelled" is what the engine says instead of an error (engine.md 21.3). */
static bool says_cancelled(const char *error)
{
    return strcmp(error, "task was cancelled") == 0;
}

static const char *put_text(char **end, cleat_slice text)
{
    char *at = *end;
    if (text.data == NULL) {
        return NULL;
    }
    memcpy(at, text.data, text.size);
    at[text.size] = '\0';
    *end += text.size + 1;
    return at;
}

/* NULL on no memory. */
static ended_node *node_new(cleat_slice payload, cleat_slice error)
{
    ended_node *node = cleat__calloc(1, sizeof(*node) + payload.size + error.size + 2);
    if (node != NULL) {
        char *end_of_texts = (char *)(node + 1);
        node->payload = put_text(&end_of_texts, payload);
        node->error = put_text(&end_of_texts, error);
    }
    return node;
}

static ended_node *find_node(const cleat__remote_invocation *it, const cleat__node *node)
{
    char key[NODE_KEY_SIZE];
    make_node_key(node, key);
    return cleat__map_get(&it->ended, (cleat_slice){key, NODE_KEY_SIZE});
}

static bool keep(cleat__remote_invocation *it, const cleat__node *node, int64_t order, cleat_slice payload,
                 bool is_failure, const char *error)
{
    ended_node *ended = node_new(payload, cleat_slice_of(error));
    if (ended == NULL) {
        return false;
    }
    make_node_key(node, ended->key);
    ended->order = order > 0 ? order : it->orders + 1;
    ended->is_failure = is_failure;
    ended->is_cancelled = is_failure && says_cancelled(error);
    if (cleat__map_put(&it->ended, (cleat_slice){ended->key, NODE_KEY_SIZE}, ended) != CLEAT_OK) {
        cleat__free(ended);
        return false;
    }
    it->orders++;
    return true;
}

static size_t count_ended(const cleat__remote_invocation *it, const cleat__durable_request *request)
{
    size_t ended = 0;
    for (size_t i = 0; i < request->as.await.count; i++) {
        ended += find_node(it, &request->as.await.nodes[i]) != NULL;
    }
    return ended;
}

/* Whether an AWAIT has what it waits for. */
static bool has(const cleat__remote_invocation *it, const cleat__durable_request *request)
{
    size_t ended = count_ended(it, request);
    return request->as.await.is_all ? ended == request->as.await.count : ended != 0;
}

/* With a connection some ends are lost, also of those that came before what has arrived. Which of several was the first
 * only the engine knows then, and `cleat serve` says when it has told all of them. */
bool cleat__remote_invocation_knows(const cleat__remote_invocation *it, const cleat__durable_request *request)
{
    size_t ended = count_ended(it, request);
    bool is_enough = !request->as.await.is_all && ended != 0 && !it->durables->link->is_cleat;
    return is_enough || ended == request->as.await.count;
}

static void wake(const cleat__remote_invocation *it)
{
    cleat__remote_ask *ask = it->first;
    if (ask != NULL && ask->requests[0].kind == CLEAT__DURABLE_AWAIT &&
        cleat__remote_invocation_knows(it, &ask->requests[0])) {
        cleat__remote_settle(ask, CLEAT_OK, NULL);
    }
}

void cleat__remote_invocation_complete(cleat__remote_invocation *it, const cleat__node *node, int64_t order,
                                       cleat_slice payload, bool is_failure, const char *error)
{
    char *text = is_failure ? cleat__payload_error_read(cleat_slice_of(error)) : NULL;
    if (payload.size == 0) {
        payload = cleat_slice_of("{}");
    }
    if (is_failure) {
        payload = (cleat_slice){NULL, 0};
    } else if (cleat__json_check("the payload of a completion", payload, false) != CLEAT_OK) {
        cleat__remote_invocation_fail(it, CLEAT_UNAVAILABLE, cleat_error_message());
        return;
    }
    if (find_node(it, node) == NULL) { /* repeats are harmless */
        bool is_kept = (!is_failure || text != NULL) && keep(it, node, order, payload, is_failure, text);
        if (is_kept) {
            wake(it);
        } else {
            cleat__remote_invocation_fail(it, CLEAT_NO_MEMORY, cleat_status_text(CLEAT_NO_MEMORY));
        }
    }
    cleat__free(text);
}

/* ---- Waiting for them ---- */

static cleat_status tell(const ended_node *node, cleat__node_end *out)
{
    out->order = node->order;
    out->is_failure = node->is_failure;
    out->is_cancelled = node->is_cancelled;
    out->payload = node->payload != NULL ? cleat__strdup(node->payload) : NULL;
    out->error = node->error != NULL ? cleat__strdup(node->error) : NULL;
    bool is_short =
        (node->payload != NULL && out->payload == NULL) || (node->error != NULL && out->error == NULL);
    return is_short ? cleat__fail_memory() : CLEAT_OK;
}

cleat_status cleat__remote_invocation_await(const cleat__remote_invocation *it,
                                            cleat__durable_request *request)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < request->as.await.count; i++) {
        cleat__node_end *out = &request->as.await.ends[i];
        const ended_node *node = find_node(it, &request->as.await.nodes[i]);
        *out = (cleat__node_end){.node = request->as.await.nodes[i]};
        if (node != NULL && status == CLEAT_OK) {
            status = tell(node, out);
        }
    }
    return status == CLEAT_OK && !has(it, request) ? CLEAT_SUSPENDED : status;
}

/* ---- Life ---- */

void cleat__remote_durables_init(cleat__remote_durables *durables, cleat__link *link)
{
    durables->link = link;
}

void cleat__remote_durables_stop(cleat__remote_durables *durables)
{
    cleat__link *link = durables->link;
    size_t cursor = 0;
    pthread_mutex_lock(&link->mutex);
    durables->is_stopped = true;
    for (const durable_task *task; (task = cleat__map_next(&durables->tasks, &cursor)) != NULL;) {
        for (cleat__remote_invocation *it = task->newest; it != NULL; it = it->older) {
            cleat__remote_invocation_fail(it, CLEAT_UNAVAILABLE, "the client was freed");
        }
    }
    while (durables->callers != 0) {
        (void)cleat__cond_wait_until(&link->changed, &link->mutex, INT64_MAX);
    }
    pthread_mutex_unlock(&link->mutex);
}

void cleat__remote_durables_deinit(cleat__remote_durables *durables)
{
    size_t cursor = 0;
    for (durable_task *task; (task = cleat__map_next(&durables->tasks, &cursor)) != NULL;) {
        while (task->newest != NULL) {
            cleat__remote_invocation *it = task->newest;
            task->newest = it->older;
            free_invocation(it);
        }
        cleat__free(task);
    }
    cleat__map_deinit(&durables->tasks);
}
