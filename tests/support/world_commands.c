#include "support/world.h"

#include "base/alloc.h"

#include <inttypes.h>
#include <stdlib.h>

const char *const world_actions[WORLD_ACTIONS] = {"a:a", "b:b", "c:c"};
static const cleat_slice event_keys[] = {
    {"ka", 2}, {"kb", 2}, {"k", 1}, {"kd", 2}}; /* the third is that of no workflow */

sim_slip *world_new_slip(sim_world *world, cleat__command_kind kind)
{
    sim_slip *made = calloc(1, sizeof(*made));
    world_check(world, made != NULL, "no memory");
    made->command.kind = kind;
    made->command.tenant = CLEAT__TENANT_DEFAULT;
    made->task = NOBODY;
    made->next = world->slips;
    world->slips = made;
    return made;
}

/* One that is there and knows its id, or one that is not there. */
static size_t any_worker(sim_world *world, bool is_there)
{
    size_t start = pick(world, WORLD_WORKERS);
    for (size_t i = 0; i < WORLD_WORKERS; i++) {
        size_t at = (start + i) % WORLD_WORKERS;
        const sim_worker *worker = &world->workers[at];
        if (worker->is_there == is_there && !(is_there && cleat__uuid_is_nil(&worker->id))) {
            return at;
        }
    }
    return NOBODY;
}

/* Mostly a young one, since old ones have ended. */
size_t world_any_task(sim_world *world)
{
    if (world->task_count == 0) {
        return NOBODY;
    }
    size_t window = pick(world, 4) == 0 || world->task_count < 20 ? world->task_count : 20;
    return world->task_count - 1 - pick(world, window);
}

int64_t world_any_tenant(sim_world *world)
{
    return 1 + (int64_t)pick(world, WORLD_TENANTS);
}

/* Of the run's tenant, but now and then of another one. */
void world_set_tenant(sim_world *world, sim_slip *made, size_t task)
{
    int64_t tenant = task != NOBODY ? world->tasks[task].tenant : CLEAT__TENANT_DEFAULT;
    made->is_foreign = pick(world, 20) == 0;
    made->command.tenant = made->is_foreign ? 1 + tenant % WORLD_TENANTS : tenant;
}

/* ---- Programs ---- */

static void make_child(sim_world *world, known *task, size_t parent)
{
    task->is_child = true;
    task->parent = parent;
    task->child_index = (int64_t)pick(world, 6);
    if (pick(world, 3) == 0) {
        snprintf(task->child_key, sizeof(task->child_key), "%d", (int)pick(world, 8));
        memcpy(task->key, task->child_key, sizeof(task->child_key));
    } else {
        snprintf(task->key, sizeof(task->key), "%d", (int)task->child_index);
    }
}

const char *world_any_workflow(sim_world *world, known *task)
{
    size_t workflow = (size_t)pick(world, WORLD_DAG + 1);
    task->is_dag = workflow == WORLD_DAG;
    task->has_idempotency_key = workflow == 0 || workflow == WORLD_DAG;
    return world_workflows[workflow];
}

/* The task's texts live in the world, which outlives the command. */
static cleat__trigger trigger_of(sim_world *world, known *task, bool is_valid)
{
    return (cleat__trigger){
        .workflow = cleat_slice_of(is_valid ? world_any_workflow(world, task) : "no.such"),
        .input = cleat_slice_of(task->input),
        .metadata = cleat_slice_of(task->metadata[0] != '\0' ? task->metadata : NULL),
        .priority = (int32_t)pick(world, 4),
        .is_child = task->is_child,
        .parent_id = task->is_child ? world->tasks[task->parent].id : (cleat__uuid){{0}},
        .child_index = task->child_index,
        .child_key = cleat_slice_of(task->child_key[0] != '\0' ? task->child_key : NULL),
    };
}

/* A child carries the trace of what spawned it; whether it arrives is what is tested. */
known *world_new_task(sim_world *world, int64_t tenant, size_t parent)
{
    known *task = &world->tasks[world->task_count++];
    *task = (known){.tenant = tenant, .attempt = -1, .end = -1, .child_index = -1};
    snprintf(task->input, sizeof(task->input), "{\"n\":%" PRIu64 "}", ++world->number);
    if (parent != NOBODY) {
        make_child(world, task, parent);
        snprintf(task->metadata, sizeof(task->metadata),
                 "{\"cleat__trace\":\"link\",\"traceparent\":\"00-%032" PRIx64 "-%016" PRIx64 "-01\"}",
                 cleat__random_next(&world->random), world->number);
    } else if (pick(world, 2) == 0) {
        snprintf(task->metadata, sizeof(task->metadata), "{\"m\":%" PRIu64 "}", world->number);
    }
    return task;
}

static sim_slip *trigger(sim_world *world)
{
    size_t count = 1 + (pick(world, 3) == 0 ? pick(world, WORLD_BULK) : 0);
    if (world->task_count + count > WORLD_STARTED) {
        return NULL;
    }
    size_t parent = pick(world, 2) == 0 ? world_any_task(world) : NOBODY;
    if (parent != NOBODY &&
        (!world->tasks[parent].is_acknowledged || cleat__uuid_is_nil(&world->tasks[parent].id))) {
        parent = NOBODY;
    }
    bool is_valid = pick(world, 20) != 0;
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_TRIGGER);
    made->command.tenant = parent != NOBODY ? world->tasks[parent].tenant : world_any_tenant(world);
    for (size_t i = 0; i < count; i++) {
        known *task = world_new_task(world, made->command.tenant, parent);
        made->tasks[i] = world->task_count - 1;
        made->items[i] = trigger_of(world, task, is_valid || i + 1 < count);
        world_add_wish(world, made, i);
    }
    made->command.as.trigger.items = made->items;
    made->command.as.trigger.count = count;
    made->command.as.trigger.ids = made->ids;
    made->command.refused = made->refused;
    return made;
}

/* Some of the events start nothing. */
static sim_slip *push(sim_world *world)
{
    size_t count = 1 + pick(world, WORLD_BULK);
    if (world->task_count + count > WORLD_STARTED) {
        return NULL;
    }
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_PUSH);
    made->command.tenant = world_any_tenant(world);
    for (size_t i = 0; i < count; i++) {
        uint64_t dice = pick(world, 4);
        static const char *const scopes[] = {"s", "t", "u", NULL};
        const char *scope = scopes[pick(world, 4)];
        known *task = world_new_task(world, made->command.tenant, NOBODY);
        task->is_pushed = true;
        task->is_filtered = dice == 1;
        task->is_dag = dice == 3;
        task->has_idempotency_key = dice == 0 || dice == 3;
        task->starts = dice == 0 || dice == 3 || (dice == 1 && scope != NULL && *scope == 's');
        task->asks_filter = dice == 1 && scope != NULL && *scope == 'u';
        made->tasks[i] = world->task_count - 1;
        made->events[i] = (cleat__user_event){
            .key = event_keys[dice],
            .payload = cleat_slice_of(task->input),
            .metadata = cleat_slice_of(task->metadata[0] != '\0' ? task->metadata : NULL),
            .scope = cleat_slice_of(scope),
            .priority = (int32_t)pick(world, 4),
        };
    }
    made->command.as.push.items = made->events;
    made->command.as.push.count = count;
    made->command.as.push.ids = made->ids;
    return made;
}

static sim_slip *wait_for(sim_world *world)
{
    size_t task = world_any_task(world);
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_WAIT);
    made->task = task;
    world_set_tenant(world, made, task);
    made->command.as.wait.id = task != NOBODY ? world->tasks[task].id : (cleat__uuid){{1}};
    made->command.as.wait.result = &made->result;
    return made;
}

/* By its own id, or by that of what has gone on as it. */
static sim_slip *cancel(sim_world *world)
{
    size_t task = world_any_task(world);
    bool follows = pick(world, 2) == 0;
    while (follows && task != NOBODY && task > 0 && world->tasks[task].next == 0) {
        task--;
    }
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_CANCEL);
    made->task = task;
    world_set_tenant(world, made, task);
    made->command.as.id = task != NOBODY ? world->tasks[task].id : (cleat__uuid){{1}};
    made->command.follows = follows;
    return made;
}

/* Of the young ones one in four ends up here. */
static sim_slip *replay(sim_world *world)
{
    size_t task = world_any_task(world);
    if (task == NOBODY || pick(world, 4) != 0) {
        return NULL;
    }
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_REPLAY);
    made->task = task;
    world_set_tenant(world, made, task);
    made->command.as.id = world->tasks[task].id;
    if (!made->is_foreign) {
        world_replay_dag(world, task);
    }
    return made;
}

static cleat_status fail_after_writing(cleat__store *store, void *argument)
{
    (void)argument;
    sqlite3_exec(cleat__store_db(store), "DELETE FROM task_live; DELETE FROM task_end; DELETE FROM task",
                 NULL, NULL, NULL);
    return CLEAT_FAILED;
}

static sim_slip *call(sim_world *world)
{
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_CALL);
    made->command.as.call.function = fail_after_writing;
    return made;
}

static void learn_sources(sim_world *world, const sim_slip *slip, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        world->tasks[slip->tasks[i]].source_id = slip->ids[i];
    }
}

void world_learn_ids(sim_world *world, const sim_slip *slip)
{
    if (slip->command.kind == CLEAT__COMMAND_PUSH) {
        learn_sources(world, slip, slip->command.as.push.count);
        return;
    }
    if (slip->command.kind == CLEAT__COMMAND_SCHEDULE) {
        learn_sources(world, slip, 1);
        return;
    }
    if (slip->command.kind == CLEAT__COMMAND_DURABLE) {
        world_learn_next(world, slip);
        return;
    }
    if (slip->command.kind == CLEAT__COMMAND_TRIGGER_CRON || slip->command.kind == CLEAT__COMMAND_ADD_CRON) {
        world_learn_cron(world, slip);
        return;
    }
    for (size_t i = 0; i < slip->command.as.trigger.count; i++) {
        const cleat__uuid *id = &slip->ids[i];
        if (cleat__uuid_is_nil(&slip->refused[i]) && !cleat__uuid_is_nil(id) &&
            world_find(world, id) == NOBODY) {
            world->tasks[slip->tasks[i]].id = *id;
        }
    }
}

/* ---- Workers ---- */

static void offer_slots(sim_slip *made, int32_t units)
{
    made->slots[0] = (cleat__slots){cleat_slice_of("default"), units};
    made->slots[1] = (cleat__slots){cleat_slice_of("durable"), units};
}

sim_slip *world_hire(sim_world *world, size_t worker, int64_t tenant, const char *action, int32_t slots)
{
    sim_worker *hired = &world->workers[worker];
    *hired = (sim_worker){.world = world, .tenant = tenant, .slots = slots};
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_WORKER_JOIN);
    made->command.tenant = tenant;
    made->action = cleat_slice_of(action);
    offer_slots(made, slots);
    made->spec = (cleat__worker_spec){
        .actions = &made->action, .action_count = 1, .slots = made->slots, .slot_count = 2};
    made->command.as.worker_join.spec = &made->spec;
    made->command.as.worker_join.sink = (cleat__worker_sink){hired, world_assigned, world_cancelled};
    made->command.as.worker_join.id = &hired->id;
    hired->is_there = true; /* so that it is not hired twice in a batch */
    return made;
}

/* One of another process. It listens later. */
static sim_slip *register_worker(sim_world *world, size_t worker, int64_t tenant, const char *action)
{
    sim_worker *hired = &world->workers[worker];
    *hired = (sim_worker){.world = world, .tenant = tenant, .is_remote = true, .is_there = true};
    hired->slots = 1 + (int32_t)pick(world, WORLD_SLOTS);
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_WORKER_REGISTER);
    made->command.tenant = tenant;
    made->registered = hired;
    made->action = cleat_slice_of(action);
    offer_slots(made, hired->slots);
    hired->label = (int)pick(world, 2);
    made->label = (cleat__label){cleat_slice_of("n"), {.is_number = true, .number = hired->label}};
    made->spec = (cleat__worker_spec){.name = cleat_slice_of("remote"),
                                      .actions = &made->action,
                                      .action_count = 1,
                                      .slots = made->slots,
                                      .slot_count = 2,
                                      .labels = &made->label,
                                      .label_count = 1};
    made->command.as.worker_register.spec = &made->spec;
    made->command.as.worker_register.id = &hired->id;
    return made;
}

static sim_slip *add_worker(sim_world *world)
{
    size_t worker = any_worker(world, false);
    if (worker == NOBODY) {
        return NULL;
    }
    const char *action = world_actions[pick(world, WORLD_ACTIONS)];
    if (pick(world, 2) == 0) {
        return register_worker(world, worker, world_any_tenant(world), action);
    }
    return world_hire(world, worker, world_any_tenant(world), action, 1 + (int32_t)pick(world, WORLD_SLOTS));
}

static sim_slip *tell_worker(sim_world *world, cleat__command_kind kind, size_t worker)
{
    sim_slip *made = world_new_slip(world, kind);
    made->command.tenant = world->workers[worker].tenant;
    made->command.as.id = world->workers[worker].id;
    made->must_exist = world->workers[worker].is_known;
    made->left = world->workers[worker].has_left ? &world->workers[worker] : NULL;
    return made;
}

sim_slip *world_heartbeat(sim_world *world, size_t worker)
{
    return tell_worker(world, CLEAT__COMMAND_WORKER_HEARTBEAT, worker);
}

sim_slip *world_dismiss(sim_world *world, size_t worker)
{
    /* From here on it must hear nothing. */
    world->workers[worker].is_there = false;
    world->workers[worker].count = 0;
    return tell_worker(world, CLEAT__COMMAND_WORKER_REMOVE, worker);
}

/* A new session, or the end of the current or of a former one. */
static sim_slip *change_session(sim_world *world, size_t worker)
{
    sim_worker *remote = &world->workers[worker];
    bool begins = pick(world, 3) != 0;
    sim_slip *made =
        tell_worker(world, begins ? CLEAT__COMMAND_WORKER_LISTEN : CLEAT__COMMAND_WORKER_UNLISTEN, worker);
    if (begins) {
        remote->session++;
        remote->is_listening = true;
        made->command.as.listen.is_kept = pick(world, 4) == 0;
        made->command.as.listen.sink = (cleat__worker_sink){remote, world_assigned, world_cancelled};
        made->command.as.listen.session = remote->session;
    } else {
        bool is_current = pick(world, 2) == 0;
        remote->is_listening = remote->is_listening && !is_current;
        made->command.as.listen.session = is_current ? remote->session : remote->session - 1;
    }
    return made;
}

/* What only workers of other processes do. */
static sim_slip *tell_remote(sim_world *world)
{
    size_t at = any_worker(world, true);
    if (at == NOBODY || !world->workers[at].is_remote) {
        return NULL;
    }
    sim_worker *worker = &world->workers[at];
    uint64_t dice = pick(world, 15);
    if (dice < 6) {
        return change_session(world, at);
    }
    if (dice < 8) {
        return tell_worker(world, CLEAT__COMMAND_WORKER_RESUME, at);
    }
    if (dice < 9) {
        worker->is_listening = false;
        worker->has_left = true;
        return tell_worker(world, CLEAT__COMMAND_WORKER_UNSUBSCRIBE, at);
    }
    if (worker->count == 0) {
        return NULL;
    }
    size_t index = pick(world, (uint64_t)worker->count);
    sim_held held = worker->held[index];
    sim_slip *made = world_new_slip(world, dice < 10   ? CLEAT__COMMAND_UNDELIVERED
                                           : dice < 11 ? CLEAT__COMMAND_RELEASE_SLOT
                                           : dice < 14 ? CLEAT__COMMAND_STARTED
                                                       : CLEAT__COMMAND_REFRESH_TIMEOUT);
    made->task = held.task;
    made->command.worker_id = worker->id;
    world_set_tenant(world, made, held.task);
    if (dice < 10) {
        made->command.as.undelivered.id = world->tasks[held.task].id;
        made->command.as.undelivered.retry_count = held.retry_count;
        worker->held[index] = worker->held[--worker->count];
    } else if (dice < 11) {
        made->command.as.id = world->tasks[held.task].id;
    } else if (dice < 14) {
        made->command.as.started.id = world->tasks[held.task].id;
        made->command.as.started.retry_count = held.retry_count;
    } else {
        made->command.as.refresh_timeout.id = world->tasks[held.task].id;
        made->command.as.refresh_timeout.increment_ms = (int64_t)pick(world, 5000);
        made->command.as.refresh_timeout.timeout_at_ms = &made->timeout_at_ms;
    }
    return made;
}

static sim_slip *tell_any_worker(sim_world *world, uint64_t dice)
{
    size_t worker = any_worker(world, true);
    if (worker == NOBODY) {
        return NULL;
    }
    if (dice < 3) {
        return world_dismiss(world, worker);
    }
    return dice < 4 ? tell_worker(world, CLEAT__COMMAND_WORKER_PAUSE, worker)
                    : world_heartbeat(world, worker);
}

static void set_outcome(sim_world *world, sim_slip *made, cleat__report *said)
{
    static const cleat_status failures[] = {CLEAT_FAILED, CLEAT_FAILED, CLEAT_NON_RETRYABLE,
                                            CLEAT_UNAVAILABLE};
    snprintf(made->text, sizeof(made->text), "{\"r\":%" PRIu64 "}", ++world->number);
    if (pick(world, 3) != 0) {
        said->status = CLEAT_OK;
        said->output = cleat_slice_of(made->text);
    } else {
        said->status = failures[pick(world, 4)];
        said->error = cleat_slice_of(made->text);
    }
}

/* A report on the attempt at `index` of what the worker holds; it lets go of it. */
static sim_slip *report_held(sim_world *world, sim_worker *worker, size_t index)
{
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_REPORT);
    made->task = worker->held[index].task;
    made->was_held = true;
    if (worker->is_remote) {
        world_set_tenant(world, made, made->task);
    } else {
        made->command.tenant = worker->tenant; /* else the attempt would be forgotten by the worker alone */
    }
    cleat__report *said = &made->command.as.report;
    said->task_id = world->tasks[made->task].id;
    said->retry_count = worker->held[index].retry_count;
    said->invocation_count = worker->held[index].invocation;
    made->by = worker;
    made->was = worker->held[index];
    worker->held[index] = worker->held[--worker->count];
    return made;
}

sim_slip *world_report(sim_world *world, sim_worker *worker, size_t index)
{
    bool has_next = worker->held[index].has_next;
    sim_slip *made = report_held(world, worker, index);
    set_outcome(world, made, &made->command.as.report);
    made->says_next = has_next && made->command.as.report.status == CLEAT_OK && pick(world, 8) != 0;
    if (made->command.as.report.status == CLEAT_UNAVAILABLE) {
        world->tasks[made->task].is_returned = true;
    }
    if (made->command.as.report.status == CLEAT_OK && world->tasks[made->task].step != NULL &&
        pick(world, 6) == 0) { /* what comes behind it may be skipped */
        snprintf(made->text, sizeof(made->text), "{\"skipped\":true}");
        made->command.as.report.output = cleat_slice_of(made->text);
    }
    return made;
}

static sim_slip *report(sim_world *world)
{
    size_t at = any_worker(world, true);
    if (at == NOBODY || world->workers[at].count == 0) {
        return NULL;
    }
    sim_worker *worker = &world->workers[at];
    size_t index = (size_t)pick(world, (uint64_t)worker->count);
    return worker->held[index].invocation != 0 && pick(world, 3) != 0 ? world_wait(world, worker, index)
                                                                      : world_report(world, worker, index);
}

sim_slip *world_succeed(sim_world *world, size_t worker)
{
    sim_worker *happy = &world->workers[worker];
    sim_slip *made = report_held(world, happy, (size_t)happy->count - 1);
    made->is_foreign = false;
    made->command.tenant = happy->tenant;
    snprintf(made->text, sizeof(made->text), "{\"r\":%" PRIu64 "}", ++world->number);
    made->command.as.report.output = cleat_slice_of(made->text);
    return made;
}

/* Of an attempt that was never assigned, or is over. A release would be a lie of the worker. */
static sim_slip *stale_report(sim_world *world)
{
    size_t task = world_any_task(world);
    if (task == NOBODY) {
        return NULL;
    }
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_REPORT);
    made->task = task;
    world_set_tenant(world, made, task);
    cleat__report *said = &made->command.as.report;
    said->task_id = world->tasks[task].id;
    said->retry_count = world->tasks[task].attempt + (pick(world, 2) != 0 ? 1 : -1);
    set_outcome(world, made, said);
    if (said->status == CLEAT_UNAVAILABLE) {
        said->status = CLEAT_FAILED;
    }
    return made;
}

/* Somebody speaks of a run of several tasks as of a task that a worker has; nobody has it. */
static sim_slip *meddle(sim_world *world)
{
    static const cleat__command_kind kinds[] = {CLEAT__COMMAND_STARTED, CLEAT__COMMAND_RELEASE_SLOT,
                                                CLEAT__COMMAND_REFRESH_TIMEOUT, CLEAT__COMMAND_UNDELIVERED};
    size_t task = world_any_task(world);
    if (task == NOBODY || !world->tasks[task].is_dag) {
        return NULL;
    }
    sim_slip *made = world_new_slip(world, kinds[pick(world, 4)]);
    const cleat__uuid id = world->tasks[task].id;
    made->task = task;
    made->command.tenant = world->tasks[task].tenant;
    switch (made->command.kind) {
    case CLEAT__COMMAND_STARTED: made->command.as.started.id = id; break;
    case CLEAT__COMMAND_UNDELIVERED: made->command.as.undelivered.id = id; break;
    case CLEAT__COMMAND_REFRESH_TIMEOUT:
        made->command.as.refresh_timeout.id = id;
        made->command.as.refresh_timeout.increment_ms = 1000;
        made->command.as.refresh_timeout.timeout_at_ms = &made->timeout_at_ms;
        break;
    default: made->command.as.id = id;
    }
    return made;
}

static sim_slip *log_line(sim_world *world)
{
    size_t task = world_any_task(world);
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_LOG);
    world_set_tenant(world, made, task);
    made->command.as.log =
        (cleat__log_line){.task_id = task != NOBODY ? world->tasks[task].id : (cleat__uuid){{1}},
                          .level = CLEAT_LOG_INFO,
                          .message = cleat_slice_of("a line")};
    return made;
}

sim_slip *world_new_command(sim_world *world)
{
    uint64_t dice = pick(world, 166);
    sim_slip *made = world->is_of_chains || dice >= 164 ? world_go_on(world) : NULL;
    if (made != NULL || dice >= 164) {
        return made;
    }
    if (dice >= 161) {
        made = world_label(world);
    } else if (dice >= 158) {
        made = world_change_filter(world);
    } else if (dice >= 152) {
        made = world_change_crons(world);
    } else if (dice >= 146) {
        made = world_expire(world);
    } else if (dice >= 144) {
        made = world_pause(world);
    } else if (dice >= 140) {
        made = meddle(world);
    } else if (dice >= 136) {
        made = replay(world);
    } else if (dice >= 124) {
        made = world_look_on(world);
    } else if (dice >= 112) {
        made = dice < 117 ? push(world) : world_plan(world);
    } else if (dice >= 100) {
        made = tell_remote(world);
    } else if (dice < 34) {
        made = report(world);
    } else if (dice < 62) {
        made = trigger(world);
    } else if (dice < 70) {
        made = add_worker(world);
    } else if (dice < 77) {
        made = tell_any_worker(world, 4);
    } else if (dice < 81) {
        made = cancel(world);
    } else if (dice < 86) {
        made = wait_for(world);
    } else if (dice < 90) {
        made = stale_report(world);
    } else if (dice < 93) {
        made = log_line(world);
    } else if (dice < 95) {
        made = world_declare(world, world_any_tenant(world), pick(world, WORLD_DAG + 1));
    } else if (dice < 98) {
        made = tell_any_worker(world, 1 + pick(world, 3));
    } else {
        made = call(world);
    }
    return made;
}
