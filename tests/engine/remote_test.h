/* A core with workers of other processes, which register, listen and send heartbeats. */
#ifndef CLEAT_TESTS_REMOTE_TEST_H
#define CLEAT_TESTS_REMOTE_TEST_H

#include "core_test.h"

static const cleat__policy plain = {
    .priority = 1, .execution_timeout_ms = 3600000, .schedule_timeout_ms = CLEAT__NO_TIMEOUT};

static inline cleat__uuid register_worker(rig *at, int64_t tenant, const char *action,
                                          const cleat__slots *slots)
{
    cleat__uuid id;
    cleat_slice name = cleat_slice_of(action);
    cleat__worker_spec spec = {.name = {"w", 1},
                               .actions = &name,
                               .action_count = 1,
                               .slots = slots,
                               .slot_count = slots != NULL,
                               .runtime = {"{\"os\":\"linux\"}", 14}};
    cleat__command command = {
        .tenant = tenant, .kind = CLEAT__COMMAND_WORKER_REGISTER, .as.worker_register = {&spec, &id}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    return id;
}

static inline cleat_status listen_as(rig *at, int64_t tenant, const cleat__uuid *id, uint64_t session,
                                     bool is_kept)
{
    cleat__command command = {
        .tenant = tenant,
        .kind = CLEAT__COMMAND_WORKER_LISTEN,
        .as.listen = {.id = *id,
                      .session = session,
                      .is_kept = is_kept,
                      .sink = {&at->ears, hear_assign, hear_cancel}},
    };
    return ask(at, &command);
}

static inline cleat_status listen(rig *at, const cleat__uuid *id, uint64_t session)
{
    return listen_as(at, CLEAT__TENANT_DEFAULT, id, session, false);
}

static inline cleat_status unlisten(rig *at, const cleat__uuid *id, uint64_t session)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_WORKER_UNLISTEN,
                              .as.listen = {.id = *id, .session = session}};
    return ask(at, &command);
}

/* The worker passes over what it has. */
static inline cleat_status listen_for_all(rig *at, const cleat__uuid *id, uint64_t session)
{
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT,
        .kind = CLEAT__COMMAND_WORKER_LISTEN,
        .as.listen = {.id = *id,
                      .session = session,
                      .sink = {&at->ears, hear_assign, hear_cancel},
                      .may_repeat = true},
    };
    return ask(at, &command);
}

/* The worker says that it has begun. */
static inline cleat_status start(rig *at, const cleat__uuid *id, int32_t retry_count)
{
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_STARTED, .as.started = {*id, retry_count}};
    return ask(at, &command);
}

static inline cleat_status beat(rig *at, const cleat__uuid *id)
{
    return tell_worker(at, CLEAT__COMMAND_WORKER_HEARTBEAT, id);
}

static inline void set_up(rig *at, cleat__uuid *worker)
{
    put_task(at, "a:a", &plain);
    *worker = register_worker(at, CLEAT__TENANT_DEFAULT, "a:a", NULL);
}

/* A run of a minute at most, that a worker was sent. */
static inline cleat__uuid assign_brief(rig *at, cleat__uuid *worker)
{
    cleat__policy brief = plain;
    brief.execution_timeout_ms = 60000;
    put_task(at, "a:a", &brief);
    *worker = register_worker(at, CLEAT__TENANT_DEFAULT, "a:a", NULL);
    listen(at, worker, 1);
    return trigger(at, "a:a", "a", 0);
}

/* Time with heartbeats. */
static inline void live_on(rig *at, const cleat__uuid *worker, int64_t ms)
{
    for (; ms > 0; ms -= 4000) {
        advance(at, ms < 4000 ? ms : 4000);
        assert_int_equal(beat(at, worker), CLEAT_OK);
    }
}

#endif
