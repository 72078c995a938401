#include "transport/embedded_looks.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/command.h"
#include "store/schedule.h"
#include "transport/schedule_list.h"

/* ---- Streams ---- */

typedef struct look {
    cleat__watch watch;
    cleat__stream_sink sink;
} look;

static void tell(void *self, const cleat__happening *happening)
{
    const look *it = self;
    if (happening->kind == CLEAT__HAPPENING_STREAM) {
        it->sink.chunk(it->sink.self, happening->payload);
    }
    if (happening->kind == CLEAT__HAPPENING_LOST) {
        it->sink.end(it->sink.self, CLEAT_UNAVAILABLE, "the engine cannot say what happens any more");
    } else if (happening->hangup) {
        it->sink.end(it->sink.self, CLEAT_EMPTY, "the run has ended");
    }
}

static bool has_room(void *self)
{
    const look *it = self;
    return it->sink.has_room == NULL || it->sink.has_room(it->sink.self);
}

cleat_status cleat__embedded_watch(cleat__engine *engine, int64_t tenant, const cleat__uuid *run_id,
                                   const cleat__stream_sink *sink, void **out)
{
    look *it = cleat__calloc(1, sizeof(*it));
    if (it == NULL) {
        return cleat__fail_memory();
    }
    it->watch.run_id = *run_id;
    it->watch.self = it;
    it->watch.tell = tell;
    it->watch.has_room = has_room;
    it->sink = *sink;
    const cleat__command command = {.kind = CLEAT__COMMAND_WATCH, .tenant = tenant, .as.watch = &it->watch};
    cleat_status status = cleat__engine_ask(engine, &command);
    if (status != CLEAT_OK && status != CLEAT_EMPTY && status != CLEAT_NOT_FOUND) {
        cleat__free(it);
        return status;
    }
    if (status != CLEAT_OK) { /* told as a server would, which answers later */
        sink->end(sink->self, status, cleat_error_message());
    }
    *out = it;
    return CLEAT_OK;
}

void cleat__embedded_unwatch(cleat__engine *engine, int64_t tenant, void *watch)
{
    look *it = watch;
    const cleat__command command = {.kind = CLEAT__COMMAND_UNWATCH, .tenant = tenant, .as.watch = &it->watch};
    (void)cleat__engine_ask(engine, &command); /* also of a failed engine */
    cleat__free(it);
}

void cleat__embedded_look_on(cleat__engine *engine, int64_t tenant, void *watch)
{
    look *it = watch;
    const cleat__command command = {
        .kind = CLEAT__COMMAND_WATCH_ON, .tenant = tenant, .as.watch = &it->watch};
    (void)cleat__engine_ask(engine, &command); /* a failed engine has told that it is lost */
}

/* One after the other: what is put next goes the way of what is done. */
typedef struct putting {
    cleat__command command; /* first */
    cleat__engine *engine;
    cleat__put_chunks *chunks;
} putting;

static void submit(putting *it)
{
    const cleat__put_chunks *chunks = it->chunks;
    it->command.as.put_chunks.task_id = chunks->run_id;
    it->command.as.put_chunks.invocation_count = chunks->invocation_count;
    it->command.as.put_chunks.first_index = chunks->first_index;
    it->command.as.put_chunks.items = chunks->items;
    it->command.as.put_chunks.count = chunks->count;
    cleat__engine_submit(it->engine, &it->command);
}

static void on_put(cleat__command *command)
{
    putting *it = (putting *)command;
    const char *text = command->error != NULL ? command->error : cleat_status_text(command->status);
    cleat__put_chunks *next = it->chunks->done(it->chunks, command->status, text);
    cleat__free(command->error);
    command->error = NULL;
    if (next == NULL) {
        cleat__free(it);
        return;
    }
    it->chunks = next;
    submit(it);
}

void cleat__embedded_put_chunks(cleat__engine *engine, int64_t tenant, cleat__put_chunks *chunks)
{
    putting *it = cleat__calloc(1, sizeof(*it));
    if (it == NULL) {
        while (chunks != NULL) {
            chunks = chunks->done(chunks, CLEAT_NO_MEMORY, cleat_status_text(CLEAT_NO_MEMORY));
        }
        return;
    }
    it->engine = engine;
    it->chunks = chunks;
    it->command.kind = CLEAT__COMMAND_PUT_CHUNKS;
    it->command.tenant = tenant;
    it->command.done = on_put;
    submit(it);
}

/* ---- Schedules ---- */

typedef struct listing {
    int64_t tenant, to_skip, limit;
    cleat_schedule_list *out;
    cleat_status status;
} listing;

static bool visit(void *argument, const cleat__schedule_row *row)
{
    listing *it = argument;
    if (it->to_skip > 0) {
        it->to_skip--;
        return true;
    }
    it->status = cleat__schedule_list_add(it->out, &row->id, row->at_ms, &row->schedule);
    return it->status == CLEAT_OK;
}

static cleat_status list(cleat__store *store, void *argument)
{
    listing *it = argument;
    const cleat__schedule_filter filter = {.tenant = it->tenant, .limit = it->to_skip + it->limit};
    cleat_status status = cleat__schedule_list(store, &filter, visit, it);
    return status == CLEAT_OK ? it->status : status;
}

cleat_status cleat__embedded_schedules(cleat__engine *engine, int64_t tenant, int64_t offset, int64_t limit,
                                       cleat_schedule_list *out)
{
    listing it = {.tenant = tenant, .to_skip = offset, .limit = limit, .out = out};
    return cleat__engine_call(engine, list, &it);
}
