/* What others ask of the engine, each as a command. */
#include "engine/command.h"
#include "engine/engine.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/detached.h"

cleat_status cleat__engine_put_workflow(cleat__engine *engine, int64_t tenant,
                                        const cleat__workflow *workflow, cleat__version *version)
{
    return cleat__engine_ask(engine, &(cleat__command){.kind = CLEAT__COMMAND_PUT_WORKFLOW,
                                                       .tenant = tenant,
                                                       .as.put_workflow = {workflow, version, false}});
}

cleat_status cleat__engine_delete_workflow(cleat__engine *engine, int64_t tenant, const cleat__uuid *id)
{
    return cleat__engine_ask(
        engine, &(cleat__command){.kind = CLEAT__COMMAND_DELETE_WORKFLOW, .tenant = tenant, .as.id = *id});
}

cleat_status cleat__engine_trigger(cleat__engine *engine, int64_t tenant, const cleat__trigger *triggers,
                                   size_t count, cleat__uuid *ids)
{
    return cleat__engine_ask(engine, &(cleat__command){.kind = CLEAT__COMMAND_TRIGGER,
                                                       .tenant = tenant,
                                                       .as.trigger = {triggers, count, ids}});
}

cleat_status cleat__engine_push(cleat__engine *engine, int64_t tenant, const cleat__user_event *events,
                                size_t count, cleat__uuid *ids)
{
    return cleat__engine_ask(engine, &(cleat__command){.kind = CLEAT__COMMAND_PUSH,
                                                       .tenant = tenant,
                                                       .as.push = {events, count, ids, NULL}});
}

cleat_status cleat__engine_schedule(cleat__engine *engine, int64_t tenant, const cleat__schedule *schedule,
                                    const int64_t *at_ms, size_t count, cleat__uuid *ids)
{
    return cleat__engine_ask(engine, &(cleat__command){.kind = CLEAT__COMMAND_SCHEDULE,
                                                       .tenant = tenant,
                                                       .as.schedule = {schedule, at_ms, count, ids}});
}

cleat_status cleat__engine_put_rate_limit(cleat__engine *engine, int64_t tenant, cleat_slice key,
                                          int32_t limit, int64_t window_ms)
{
    return cleat__engine_ask(engine, &(cleat__command){.kind = CLEAT__COMMAND_PUT_RATE_LIMIT,
                                                       .tenant = tenant,
                                                       .as.put_rate_limit = {key, limit, window_ms}});
}

cleat_status cleat__engine_delete_rate_limit(cleat__engine *engine, int64_t tenant, cleat_slice key)
{
    return cleat__engine_ask(engine, &(cleat__command){.kind = CLEAT__COMMAND_DELETE_RATE_LIMIT,
                                                       .tenant = tenant,
                                                       .as.put_rate_limit = {.key = key}});
}

cleat_status cleat__engine_unschedule(cleat__engine *engine, int64_t tenant, const cleat__uuid *id)
{
    return cleat__engine_ask(
        engine, &(cleat__command){.kind = CLEAT__COMMAND_UNSCHEDULE, .tenant = tenant, .as.id = *id});
}

cleat_status cleat__engine_change_schedules(cleat__engine *engine, int64_t tenant,
                                            cleat__schedule_change *items, size_t count)
{
    return cleat__engine_ask(engine, &(cleat__command){.kind = CLEAT__COMMAND_CHANGE_SCHEDULES,
                                                       .tenant = tenant,
                                                       .as.change_schedules = {items, count}});
}

cleat_status cleat__engine_cancel(cleat__engine *engine, int64_t tenant, const cleat__uuid *run_id)
{
    return cleat__engine_ask(
        engine, &(cleat__command){
                    .kind = CLEAT__COMMAND_CANCEL, .tenant = tenant, .follows = true, .as.id = *run_id});
}

cleat_status cleat__engine_replay(cleat__engine *engine, int64_t tenant, const cleat__uuid *run_id)
{
    return cleat__engine_ask(
        engine, &(cleat__command){.kind = CLEAT__COMMAND_REPLAY, .tenant = tenant, .as.id = *run_id});
}

cleat_status cleat__engine_worker_pause(cleat__engine *engine, int64_t tenant, const cleat__uuid *worker_id)
{
    return cleat__engine_ask(
        engine,
        &(cleat__command){.kind = CLEAT__COMMAND_WORKER_PAUSE, .tenant = tenant, .as.id = *worker_id});
}

cleat_status cleat__engine_worker_resume(cleat__engine *engine, int64_t tenant, const cleat__uuid *worker_id)
{
    return cleat__engine_ask(
        engine,
        &(cleat__command){.kind = CLEAT__COMMAND_WORKER_RESUME, .tenant = tenant, .as.id = *worker_id});
}

cleat_status cleat__engine_worker_remove(cleat__engine *engine, int64_t tenant, const cleat__uuid *worker_id)
{
    return cleat__engine_ask(
        engine,
        &(cleat__command){.kind = CLEAT__COMMAND_WORKER_REMOVE, .tenant = tenant, .as.id = *worker_id});
}

cleat_status cleat__engine_worker_list(cleat__engine *engine, int64_t tenant,
                                       void (*visit)(void *argument, const cleat__worker_info *info),
                                       void *argument)
{
    return cleat__engine_ask(
        engine,
        &(cleat__command){.kind = CLEAT__COMMAND_WORKERS, .tenant = tenant, .as.workers = {visit, argument}});
}

cleat_status cleat__engine_worker_heartbeat(cleat__engine *engine, int64_t tenant,
                                            const cleat__uuid *worker_id)
{
    cleat__command *command = cleat__malloc(sizeof(*command));
    if (command == NULL) {
        return cleat__fail_memory();
    }
    *command = (cleat__command){
        .kind = CLEAT__COMMAND_WORKER_HEARTBEAT, .detached = true, .tenant = tenant, .as.id = *worker_id};
    return cleat__engine_submit_detached(engine, command, 0);
}

/* Copies `text` behind the command; the absent slice stays absent. */
static cleat_slice copy_to(char **at, cleat_slice text)
{
    if (text.data == NULL) {
        return text;
    }
    cleat_slice copy = {*at, text.size};
    memcpy(*at, text.data, text.size);
    *at += text.size;
    return copy;
}

cleat_status cleat__engine_report(cleat__engine *engine, int64_t tenant, const cleat__report *report)
{
    size_t texts = report->output.size + report->error.size + report->carrier.size;
    cleat__command *command = cleat__malloc(sizeof(*command) + texts);
    if (command == NULL) {
        return cleat__fail_memory();
    }
    *command = (cleat__command){
        .kind = CLEAT__COMMAND_REPORT, .detached = true, .tenant = tenant, .as.report = *report};
    char *at = (char *)(command + 1);
    command->as.report.output = copy_to(&at, report->output);
    command->as.report.error = copy_to(&at, report->error);
    command->as.report.carrier = copy_to(&at, report->carrier);
    return cleat__engine_submit_detached(engine, command, 0);
}

cleat_status cleat__engine_log(cleat__engine *engine, int64_t tenant, const cleat__log_line *line)
{
    cleat_slice message = line->message;
    if (message.size > CLEAT__LOG_LINE_MAX) {
        message.size = CLEAT__LOG_LINE_MAX;
    }
    cleat__command *command = cleat__malloc(sizeof(*command) + message.size + line->metadata.size);
    if (command == NULL) {
        return cleat__fail_memory();
    }
    *command =
        (cleat__command){.kind = CLEAT__COMMAND_LOG, .detached = true, .tenant = tenant, .as.log = *line};
    char *at = (char *)(command + 1);
    command->as.log.message = copy_to(&at, message);
    command->as.log.metadata = copy_to(&at, line->metadata);
    return cleat__engine_submit_detached(engine, command, message.size + line->metadata.size);
}

cleat_status cleat__engine_call(cleat__engine *engine,
                                cleat_status (*function)(cleat__store *store, void *argument), void *argument)
{
    return cleat__engine_ask(engine,
                             &(cleat__command){.kind = CLEAT__COMMAND_CALL, .as.call = {function, argument}});
}
