#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/world.h"

#include "base/alloc.h"
#include "engine/core_parts.h"

#include <inttypes.h>
#include <stdlib.h>

void world_fail(const sim_world *world, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    fail_msg("seed %" PRIu64 ", step %" PRIu64 ": %s (again with CLEAT_SEED=%" PRIu64 ")", world->seed,
             world->steps, text, world->seed);
}

void world_note(const sim_world *world, const char *format, ...)
{
    if (!world->is_verbose) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    printf("%6" PRIu64 " ", world->steps);
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
}

size_t world_name(sim_world *world, const cleat__uuid *id, cleat_slice input)
{
    for (size_t i = world->task_count; i > 0; i--) {
        known *task = &world->tasks[i - 1];
        if (task->starts && cleat__uuid_is_nil(&task->id) &&
            cleat_slice_equals(cleat_slice_of(task->input), input)) {
            task->id = *id;
            task->has_fired = true;
            world->seen.pushed += task->is_pushed;
            world->seen.judged += task->asks_filter;
            world->seen.scheduled += task->is_scheduled;
            world_check(world, !task->is_taken_back, "%s was taken back, and runs", task->input);
            return i - 1;
        }
    }
    return NOBODY;
}

size_t world_name_cron(sim_world *world, int64_t tenant, const cleat__uuid *id, cleat_slice input,
                       cleat_slice metadata)
{
    known made = {
        .id = *id, .tenant = tenant, .is_acknowledged = true, .is_cron = true, .attempt = -1, .end = -1};
    if (!cleat_slice_equals(input, cleat_slice_of(WORLD_CRON_INPUT))) {
        return NOBODY;
    }
    snprintf(made.input, sizeof(made.input), "%s", WORLD_CRON_INPUT);
    snprintf(made.metadata, sizeof(made.metadata), "%.*s", CLEAT_SLICE_ARGS(metadata));
    made.is_dag = strstr(made.metadata, "\"" WORLD_DAG_CRON "\"") != NULL;
    world_check(world, strstr(made.metadata, "\"hatchet__cron_scheduled_at\":\"20") != NULL,
                "a cron's run of no time");
    for (size_t i = 0; i < world->task_count; i++) {
        const known *other = &world->tasks[i];
        world_check(world,
                    !other->is_cron || other->is_by_hand || other->tenant != tenant ||
                        world->clock_was_wrong || strcmp(other->metadata, made.metadata) != 0,
                    "two runs of one time: %s", made.metadata);
    }
    world_check(world, world->task_count < WORLD_TASKS, "too many crons fire");
    world_check_fired(world, &made);
    world->tasks[world->task_count] = made;
    world->seen.by_crons++;
    return world->task_count++;
}

size_t world_find_run(sim_world *world, int64_t tenant, const cleat__uuid *id, cleat_slice input,
                      cleat_slice metadata)
{
    size_t index = world_find(world, id);
    index = index != NOBODY ? index : world_name(world, id, input);
    return index != NOBODY ? index : world_name_cron(world, tenant, id, input, metadata);
}

/* ---- What workers hear ---- */

/* A task has what its run has. */
static void check_payload(const sim_world *world, const known *task, const cleat__assignment *given)
{
    world_check(world, cleat_slice_equals(given->input, cleat_slice_of(task->input)),
                "input of %s became %.*s", task->input, CLEAT_SLICE_ARGS(given->input));
    const cleat__uuid event_id = task->is_pushed ? task->source_id : (cleat__uuid){{0}};
    world_check(world, cleat__uuid_equals(&given->event_id, &event_id), "%s: another event's run",
                task->input);
    world_check(world,
                task->is_pushed || task->is_by_hand ||
                    cleat_slice_equals(given->metadata, cleat_slice_of(task->metadata)),
                "metadata of %s became %.*s", task->input, CLEAT_SLICE_ARGS(given->metadata));
    const cleat_slice filter_payload = cleat_slice_of(task->is_filtered ? WORLD_FILTER_PAYLOAD : NULL);
    world_check(world, cleat_slice_equals(given->filter_payload, filter_payload), "%s: another filter's run",
                task->input);
    world_check(world, given->is_child == task->is_child, "%s: a child or not", task->input);
    if (task->is_child) {
        world_check(world, world_is_parent(world, task, &given->parent_id), "%s: parent", task->input);
        world_check(world, given->child_index == task->child_index, "%s: child index", task->input);
        world_check(world, cleat_slice_equals(given->child_key, cleat_slice_of(task->child_key)),
                    "%s: child key", task->input);
    }
}

/* The run, or the task of one, that is given. */
static size_t find_given(sim_world *world, const cleat__assignment *given)
{
    bool is_task =
        !cleat__uuid_is_nil(&given->run_id) && !cleat__uuid_equals(&given->run_id, &given->task_id);
    size_t root = world_find_run(world, given->tenant, is_task ? &given->run_id : &given->task_id,
                                 given->input, given->metadata);
    if (!is_task || root == NOBODY) {
        return root;
    }
    size_t index = world_find(world, &given->task_id);
    index = index != NOBODY ? index : world_name_task(world, root, &given->task_id, given->task_name);
    world_check(world, world->tasks[index].step != NULL && world->tasks[index].root == root,
                "%s is a task of another run", world->tasks[index].input);
    return index;
}

/* Those of a batch have one together. */
static int32_t count_slots(const sim_worker *worker)
{
    int32_t count = 0;
    for (int32_t i = 0; i < worker->count; i++) {
        const cleat__uuid *id = &worker->held[i].batch_id;
        bool is_first = true;
        for (int32_t j = 0; j < i && !cleat__uuid_is_nil(id); j++) {
            is_first = is_first && !cleat__uuid_equals(id, &worker->held[j].batch_id);
        }
        count += is_first;
    }
    return count;
}

static void take(sim_worker *worker, const cleat__assignment *given)
{
    sim_world *world = worker->world;
    size_t index = find_given(world, given);
    world_check(world, worker->is_there, "a removed worker got a run");
    world_check(world, !worker->is_remote || worker->is_listening, "a worker got a run without listening");
    world_check_assigned(world, &given->task_id);
    world_check(world, given->tenant == worker->tenant, "a run went to another tenant's worker");
    world_check(world, index != NOBODY, "an unknown run was assigned");
    known *task = &world->tasks[index];
    world_note(world, "  assigned %s attempt %d", task->input, given->retry_count);
    world_check(world, task->end < 0 || task->is_replayed, "%s was assigned after its end", task->input);
    task->end = -1;
    bool is_again = given->retry_count == task->attempt && task->is_returned;
    bool is_later = given->retry_count >= task->attempt && given->invocation_count > task->invocation;
    world_check(world, given->retry_count > task->attempt || is_again || is_later,
                "%s: attempt %d was assigned twice", task->input, given->retry_count);
    world_check(world,
                (given->invocation_count != 0) == given->is_durable && (is_later || !given->is_durable),
                "%s: invocation %d comes after %d", task->input, given->invocation_count, task->invocation);
    task->invocation = given->invocation_count;
    check_payload(world, task->step != NULL ? &world->tasks[task->root] : task, given);
    if (task->step != NULL) {
        world_check_told(world, task, given);
        world->seen.stood += given->triggers.size != 0;
    }
    world->seen.retried += given->retry_count > 0;
    task->attempt = given->retry_count;
    task->is_returned = false;
    world_check(world, given->tenant == task->tenant, "%s has another tenant", task->input);
    world_check(world, worker->count < WORLD_HELD, "a worker got too much");
    world_check_wishes(world, worker, task);
    world_check(world,
                !task->is_next || task->is_replayed || world->tasks[task->parent].is_replayed ||
                    cleat__runs_find(&world->core->runs, &world->tasks[task->parent].id) == NULL,
                "%s begins before the one that it follows has ended", task->input);
    worker->held[worker->count++] = (sim_held){.task = index,
                                               .retry_count = given->retry_count,
                                               .batch_id = given->batch_id,
                                               .invocation = given->invocation_count};
    world_check(world,
                worker->is_remote || count_slots(worker) <= 2 * worker->slots, /* and as many durable ones */
                "a worker of %d slots got one more", worker->slots);
}

/* What follows of the same batch is all of it, and of its group. */
static void check_batch(sim_world *world, const cleat__assignment *first)
{
    int32_t count = 0;
    const cleat__assignment *one = first;
    for (; one != NULL && cleat__uuid_equals(&one->batch_id, &first->batch_id); one = one->next, count++) {
        int n = 1;
        (void)sscanf(one->input.data, "{\"n\":%d", &n);
        const char *key = n % 2 == 0 ? "even" : "odd";
        world_check(world, cleat_slice_equals(one->batch_key, cleat_slice_of(key)), "%.*s is %.*s",
                    CLEAT_SLICE_ARGS(one->input), CLEAT_SLICE_ARGS(one->batch_key));
        world_check(world, one->batch_count == first->batch_count && one->batch_reason.size != 0,
                    "members of a batch say different things");
    }
    world_check(world, count == first->batch_count && count <= WORLD_BATCH_MAX, "%d of %d came together",
                count, first->batch_count);
    world->seen.together += count > 1 ? (uint64_t)count : 0;
}

void world_assigned(void *self, cleat__assignment *list)
{
    cleat__uuid last = {{0}};
    while (list != NULL) {
        cleat__assignment *given = list;
        if (!cleat__uuid_is_nil(&given->batch_id) && !cleat__uuid_equals(&given->batch_id, &last)) {
            check_batch(((sim_worker *)self)->world, given);
        }
        last = given->batch_id;
        list = given->next;
        take(self, given);
        cleat__free(given);
    }
}

void world_cancelled(void *self, const cleat__uuid *task_id, int32_t retry_count)
{
    sim_worker *worker = self;
    size_t task = world_find(worker->world, task_id);
    world_check(worker->world, worker->is_there && task != NOBODY, "a cancellation out of nowhere");
    world_check(worker->world, !worker->is_remote || worker->is_listening,
                "a worker that does not listen was told of a cancellation");
    for (int32_t i = 0; i < worker->count; i++) {
        if (worker->held[i].task == task && worker->held[i].retry_count == retry_count) {
            worker->held[i] = worker->held[--worker->count];
            return;
        }
    }
    /* Not held: it was reported in the same batch, behind the cancellation. */
}

/* ---- Answers ---- */

void world_set_end(sim_world *world, known *task, int end, const char *output)
{
    if (task->is_replayed) { /* which end it is, of several, is not known here */
        return;
    }
    world_check(world, task->end < 0 || task->end == end, "%s ended as %s, then as %s", task->input,
                cleat_run_status_name((cleat_run_status)task->end),
                cleat_run_status_name((cleat_run_status)end));
    world_check(world, end == CLEAT_RUN_COMPLETED || output[0] == '\0', "%s did not complete, but has output",
                task->input);
    if (task->end < 0) {
        task->end = end;
        snprintf(task->output, sizeof(task->output), "%s", output);
        world->seen.dags_completed += task->is_dag && end == CLEAT_RUN_COMPLETED;
        world->seen.dags_failed += task->is_dag && end == CLEAT_RUN_FAILED;
        world->seen.dags_cancelled += task->is_dag && end == CLEAT_RUN_CANCELLED;
        world->seen.completed += end == CLEAT_RUN_COMPLETED;
        world->seen.failed += end == CLEAT_RUN_FAILED;
        world->seen.cancelled += end == CLEAT_RUN_CANCELLED;
    }
    world_check(world, world_is_output(world, task, output), "%s completed twice: %s and %s", task->input,
                task->output, output);
}

/* An end that is told: of a run, or of one of its tasks, of which the world may know nothing yet. */
static void hear_end(sim_world *world, known *run, const cleat__happening *happening)
{
    char output[sizeof(run->output)];
    size_t index = happening->is_of_run ? NOBODY : world_find(world, &happening->task_id);
    known *ended = happening->is_of_run ? run : index != NOBODY ? &world->tasks[index] : NULL;
    snprintf(output, sizeof(output), "%.*s", CLEAT_SLICE_ARGS(happening->payload));
    bool is_told =
        ended != NULL && !(happening->is_of_run && run->is_dag && run->end < 0); /* else by its tasks */
    switch (happening->kind) {
    case CLEAT__HAPPENING_COMPLETED:
        if (is_told) {
            world_set_end(world, ended, CLEAT_RUN_COMPLETED, happening->is_of_run ? run->output : output);
        }
        break;
    case CLEAT__HAPPENING_CANCELLED:
        if (ended != NULL) {
            world_set_end(world, ended, CLEAT_RUN_CANCELLED, "");
        }
        break;
    default:
        if (ended != NULL) {
            world_set_end(world, ended, CLEAT_RUN_FAILED, "");
        }
    }
}

void world_told(void *self, const cleat__happening *happening)
{
    sim_watch *looks = self;
    sim_world *world = looks->world;
    known *task = &world->tasks[looks->task];
    world_check(world, looks->is_there && (!looks->has_hung_up || task->is_replayed),
                "somebody was told who does not look");
    world_check(world, cleat__uuid_equals(&happening->run_id, &task->id), "%s: another run's happening",
                task->input);
    switch (happening->kind) {
    case CLEAT__HAPPENING_STARTED: world_fail(world, "a run was made twice"); break;
    case CLEAT__HAPPENING_STREAM: break; /* whoever has hung up is told nothing, see above */
    case CLEAT__HAPPENING_LOST:
        looks->is_lost = true;
        world_check(world, cleat__core_failure(world->core) != CLEAT_OK || world->is_poor, "%s was not lost",
                    task->input);
        break;
    default: hear_end(world, task, happening);
    }
    looks->has_hung_up = happening->hangup;
    world->seen.hung_up += happening->hangup;
}

/* The engine waits for chunks that the end has overtaken. */
static bool is_waited_for(const sim_world *world, const cleat__uuid *run_id)
{
    for (const cleat__stream *stream = world->core->watches.streams.late_head; stream != NULL;
         stream = stream->next_late) {
        world_check(world, stream->late_until_ms > world->now.monotonic_ms, "an end was not told in time");
        if (cleat__uuid_equals(&stream->of.run_id, run_id)) {
            return true;
        }
    }
    return false;
}

void world_check_watches(const sim_world *world)
{
    for (size_t i = 0; i < WORLD_WATCHES; i++) {
        const sim_watch *looks = &world->watches[i];
        if (looks->is_there && looks->is_answered && !looks->is_lost) {
            bool lives = cleat__runs_find(&world->core->runs, &looks->watch.run_id) != NULL;
            bool is_told = lives != looks->has_hung_up || is_waited_for(world, &looks->watch.run_id);
            world_check(world, is_told || world->tasks[looks->task].is_replayed, "%s: the hangup",
                        world->tasks[looks->task].input);
        }
    }
}

static void answered_watch(sim_world *world, sim_watch *looks, cleat_status status)
{
    looks->is_answered = true;
    looks->is_there = status == CLEAT_OK;
    world_check(world, status == CLEAT_OK || status == CLEAT_EMPTY || status == CLEAT_NOT_FOUND, "watch: %s",
                cleat_status_name(status));
    world_check(world,
                status != CLEAT_NOT_FOUND || !world->tasks[looks->task].is_acknowledged ||
                    world->tasks[looks->task].removal != REMOVED_NOT,
                "a run was lost");
}

/* The acknowledged run of the same parent and key, or NOBODY. */
static size_t acknowledged_sibling(const sim_world *world, const known *task)
{
    for (size_t i = 0; i < world->task_count; i++) {
        const known *other = &world->tasks[i];
        if (other != task && other->is_acknowledged && other->is_child && other->parent == task->parent &&
            other->removal == REMOVED_NOT && strcmp(other->key, task->key) == 0) {
            return i;
        }
    }
    return NOBODY;
}

static void acknowledge(sim_world *world, size_t index, const cleat__uuid *id)
{
    known *task = &world->tasks[index];
    size_t sibling = task->is_child ? acknowledged_sibling(world, task) : NOBODY;
    if (sibling != NOBODY) {
        world_check(world, cleat__uuid_equals(id, &world->tasks[sibling].id), "%s: a second child of one key",
                    task->input);
        return;
    }
    size_t existing = world_find(world, id);
    if (existing != NOBODY && existing != index) {
        world->tasks[existing].is_acknowledged = true; /* a former answer was lost in a crash */
        return;
    }
    task->is_acknowledged = true;
}

/* A command about a run of the same batch was made before the run had its id; or the run was old. */
static bool may_be_unknown(const sim_world *world, const sim_slip *slip, const cleat__uuid *id)
{
    if (slip->task == NOBODY || cleat__uuid_is_nil(id)) {
        return true;
    }
    const known *task = &world->tasks[slip->task];
    bool is_alone = task->step != NULL && world->tasks[task->root].removal != REMOVED_NOT;
    return !task->is_acknowledged || task->removal != REMOVED_NOT || is_alone;
}

static void answered_wait(sim_world *world, const sim_slip *slip)
{
    if (slip->command.status == CLEAT_NOT_FOUND) {
        world_check(world, may_be_unknown(world, slip, &slip->command.as.wait.id), "a run was lost");
        return;
    }
    if (slip->command.status == CLEAT_NO_MEMORY && world->is_poor) {
        return; /* it was short when the run ended */
    }
    world_check(world, slip->command.status == CLEAT_OK, "wait: %s", cleat_status_name(slip->command.status));
    world_set_end(world, &world->tasks[slip->task], slip->result.status,
                  slip->result.output != NULL ? slip->result.output : "");
}

static void answered_cancel(sim_world *world, const sim_slip *slip)
{
    switch (slip->command.status) {
    case CLEAT_OK:
        if (!world->tasks[slip->followed].is_dag) { /* a task of it may have failed before */
            world_set_end(world, &world->tasks[slip->followed], CLEAT_RUN_CANCELLED, "");
        }
        world->seen.followed += slip->followed != slip->task;
        break;
    case CLEAT_NOT_FOUND:
        world_check(world, may_be_unknown(world, slip, &slip->command.as.id), "a run was lost");
        break;
    case CLEAT_FAILED_PRECONDITION: break;
    default: world_fail(world, "cancel: %s", cleat_status_name(slip->command.status));
    }
}

static void answered_replay(sim_world *world, const sim_slip *slip)
{
    const known *task = &world->tasks[slip->task];
    switch (slip->command.status) {
    case CLEAT_OK: world->seen.replayed++; break;
    case CLEAT_NOT_FOUND:
        world_check(world, may_be_unknown(world, slip, &slip->command.as.id), "a run was lost");
        break;
    case CLEAT_FAILED_PRECONDITION: break;
    default: world_fail(world, "replay of %s: %s", task->input, cleat_status_name(slip->command.status));
    }
}

/* What was acknowledged about a running attempt has happened. */
static void answered_report(sim_world *world, const sim_slip *slip)
{
    if (slip->command.status == CLEAT_NOT_FOUND) {
        world_check(world, may_be_unknown(world, slip, &slip->command.as.report.task_id), "a run was lost");
        return;
    }
    world_check(world, slip->command.status == CLEAT_OK, "report: %s",
                cleat_status_name(slip->command.status));
    cleat_status said = slip->command.as.report.status;
    if (slip->was_held && said == CLEAT_OK) {
        world_check(world,
                    world->tasks[slip->task].is_replayed ||
                        world->tasks[slip->task].end != CLEAT_RUN_COMPLETED ||
                        world_is_output(world, &world->tasks[slip->task], slip->text),
                    "%s completed twice", world->tasks[slip->task].input);
        world_set_end(world, &world->tasks[slip->task], CLEAT_RUN_COMPLETED, slip->text);
    } else if (slip->was_held && said == CLEAT_NON_RETRYABLE) {
        world_set_end(world, &world->tasks[slip->task], CLEAT_RUN_FAILED, "");
    }
}

static void free_slip(sim_world *world, sim_slip *slip)
{
    struct sim_slip **link = &world->slips;
    while (*link != slip) {
        link = &(*link)->next;
    }
    *link = slip->next;
    cleat__free(slip->command.error);
    if (slip->command.kind == CLEAT__COMMAND_WAIT) {
        cleat_run_result_deinit(&slip->result);
    }
    free(slip);
}

/* What a command of a wrong tenant may be told. */
static bool was_hidden(sim_world *world, const sim_slip *slip)
{
    if (slip->is_foreign) {
        world_check(world, slip->command.status == CLEAT_NOT_FOUND, "another tenant saw a run: %d, %s",
                    slip->command.kind, cleat_status_name(slip->command.status));
    }
    return slip->is_foreign;
}

static void answered_worker(sim_world *world, const sim_slip *slip)
{
    cleat_status status = slip->command.status;
    if (status == CLEAT_NOT_FOUND && slip->left != NULL) {
        if (cleat__uuid_equals(&slip->command.as.id, &slip->left->id)) {
            slip->left->is_there = false; /* another may come in its place */
            slip->left->count = 0;
        }
        return;
    }
    bool is_heartbeat = slip->command.kind == CLEAT__COMMAND_WORKER_HEARTBEAT;
    world_check(world,
                status == CLEAT_OK || (status == CLEAT_NOT_FOUND && !slip->must_exist) ||
                    (status == CLEAT_FAILED_PRECONDITION && is_heartbeat && slip->must_exist),
                "worker: %s", cleat_status_name(status));
}

/* About what a worker of another process thinks it has. */
static void answered_remote(sim_world *world, const sim_slip *slip)
{
    cleat_status status = slip->command.status;
    world_check(world, status == CLEAT_OK || status == CLEAT_NOT_FOUND, "command %d: %s", slip->command.kind,
                cleat_status_name(status));
}

static void answered_trigger(sim_world *world, const sim_slip *slip)
{
    cleat_status status = slip->command.status;
    bool was_done = status == CLEAT_OK || status == CLEAT_ALREADY_EXISTS;
    for (size_t i = 0; was_done && i < slip->command.as.trigger.count; i++) {
        if (cleat__uuid_is_nil(&slip->refused[i])) {
            acknowledge(world, slip->tasks[i], &slip->ids[i]);
        }
    }
    if (status == CLEAT_ALREADY_EXISTS) {
        world_check_refused(world, slip);
    }
    world_check(world, was_done || status == CLEAT_NOT_FOUND, "trigger: %s", cleat_status_name(status));
}

/* An event that starts nothing is acknowledged too: then it is stored. */
static void answered_sources(sim_world *world, const sim_slip *slip, size_t count)
{
    world_check(world, slip->command.status == CLEAT_OK, "command %d: %s", slip->command.kind,
                slip->command.error);
    for (size_t i = 0; i < count; i++) {
        world->tasks[slip->tasks[i]].is_acknowledged = true;
    }
}

static void answered_unschedule(sim_world *world, const sim_slip *slip)
{
    known *task = &world->tasks[slip->task];
    cleat_status status = slip->command.status;
    world_check(world, status == CLEAT_OK || status == CLEAT_NOT_FOUND, "unschedule: %s",
                cleat_status_name(status));
    if (status == CLEAT_OK) {
        world_check(world, !task->is_taken_back && !task->has_fired, "%s was taken back too often",
                    task->input);
        task->is_taken_back = true;
    } else if (!may_be_unknown(world, slip, &slip->command.as.id) && !task->is_taken_back &&
               !task->is_in_doubt) {
        task->has_fired = true;
    }
}

static void take_answer(sim_world *world, sim_slip *slip)
{
    switch (slip->command.kind) {
    case CLEAT__COMMAND_TRIGGER: answered_trigger(world, slip); break;
    case CLEAT__COMMAND_WAIT: answered_wait(world, slip); break;
    case CLEAT__COMMAND_PUSH: answered_sources(world, slip, slip->command.as.push.count); break;
    case CLEAT__COMMAND_SCHEDULE: answered_sources(world, slip, 1); break;
    case CLEAT__COMMAND_WATCH: answered_watch(world, slip->looks, slip->command.status); break;
    case CLEAT__COMMAND_UNWATCH: slip->looks->is_there = false; break;
    case CLEAT__COMMAND_UNSCHEDULE: answered_unschedule(world, slip); break;
    case CLEAT__COMMAND_TRIGGER_SCHEDULE: world_answered_schedule(world, slip); break;
    case CLEAT__COMMAND_ADD_CRON:
    case CLEAT__COMMAND_CHANGE_CRON:
    case CLEAT__COMMAND_DELETE_CRON:
    case CLEAT__COMMAND_TRIGGER_CRON: world_answered_cron(world, slip); break;
    case CLEAT__COMMAND_CANCEL: answered_cancel(world, slip); break;
    case CLEAT__COMMAND_REPLAY: answered_replay(world, slip); break;
    case CLEAT__COMMAND_CALL:
        if (slip->piece.count != 0) {
            world_answered_expiry(world, slip);
        } else {
            world_check(world, slip->command.status == CLEAT_FAILED, "call");
        }
        break;
    case CLEAT__COMMAND_WORKER_LABEL:
    case CLEAT__COMMAND_WORKER_PAUSE:
    case CLEAT__COMMAND_WORKER_RESUME:
    case CLEAT__COMMAND_WORKER_LISTEN:
    case CLEAT__COMMAND_WORKER_UNLISTEN:
    case CLEAT__COMMAND_WORKER_UNSUBSCRIBE:
    case CLEAT__COMMAND_WORKER_REMOVE:
    case CLEAT__COMMAND_WORKER_HEARTBEAT: answered_worker(world, slip); break;
    case CLEAT__COMMAND_REPORT: answered_report(world, slip); break;
    case CLEAT__COMMAND_DURABLE: world_answered_durable(world, slip); break;
    case CLEAT__COMMAND_LOG:
    case CLEAT__COMMAND_PUT_STREAM:
    case CLEAT__COMMAND_UNDELIVERED:
    case CLEAT__COMMAND_STARTED:
    case CLEAT__COMMAND_RELEASE_SLOT:
    case CLEAT__COMMAND_REFRESH_TIMEOUT: answered_remote(world, slip); break;
    default:
        world_check(world, slip->command.status == CLEAT_OK, "command %d: %s", slip->command.kind,
                    slip->command.error);
    }
}

void world_answered(sim_world *world, sim_slip *slip)
{
    if (slip->lacks && slip->command.status == CLEAT_NO_MEMORY) {
        world_answered_nothing(world, slip);
    } else if (slip->command.kind == CLEAT__COMMAND_CHANGE_SCHEDULES) {
        world_answered_schedule(world, slip); /* it says for each what it thinks of it */
    } else if (!was_hidden(world, slip)) {
        take_answer(world, slip);
    }
    if (slip->registered != NULL) {
        slip->registered->is_known = true;
    }
    free_slip(world, slip);
}

void world_unanswered(sim_world *world, sim_slip *slip)
{
    if (slip->command.kind == CLEAT__COMMAND_UNSCHEDULE && !slip->is_foreign) {
        world->tasks[slip->task].is_in_doubt = true;
    }
    if (slip->asks_next) {
        world_unanswered_next(world, slip);
    }
    world_unanswered_cron(world, slip);
    world_unanswered_filter(world, slip);
    world_unanswered_label(world, slip);
    free_slip(world, slip);
}
