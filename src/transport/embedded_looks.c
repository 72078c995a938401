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
    if (happening->hangup) {
        it->sink.end(it->sink.self, CLEAT_EMPTY, "the run has ended");
    }
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
