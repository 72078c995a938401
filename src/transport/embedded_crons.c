#include "transport/embedded_crons.h"

#include "base/clock.h"
#include "base/error.h"
#include "engine/command.h"
#include "store/cron.h"
#include "transport/cron_list.h"

cleat_status cleat__embedded_cron_add(cleat__engine *engine, int64_t tenant, const cleat__recurrence *what,
                                      cleat__uuid *id)
{
    const cleat__command command = {
        .kind = CLEAT__COMMAND_ADD_CRON, .tenant = tenant, .as.add_cron = {what, id}};
    return cleat__engine_ask(engine, &command);
}

cleat_status cleat__embedded_cron_enable(cleat__engine *engine, int64_t tenant, const cleat__uuid *id,
                                         bool is_enabled)
{
    const cleat__command command = {
        .kind = CLEAT__COMMAND_CHANGE_CRON, .tenant = tenant, .as.change_cron = {*id, is_enabled}};
    return cleat__engine_ask(engine, &command);
}

/* Whether it may be deleted. */
typedef struct looking {
    int64_t tenant;
    cleat__uuid id;
} looking;

static cleat_status look(cleat__store *store, void *argument)
{
    const looking *it = argument;
    cleat__cron_row row;
    cleat_status status = cleat__cron_get(store, it->tenant, &it->id, &row);
    return status == CLEAT_OK && row.what.name.size == 0
               ? cleat__fail(CLEAT_FAILED_PRECONDITION,
                             "the cron \"%.*s\" is declared by \"%.*s\": it can be disabled, or leave the "
                             "declaration",
                             CLEAT_SLICE_ARGS(row.what.expression), CLEAT_SLICE_ARGS(row.what.workflow))
               : status;
}

cleat_status cleat__embedded_cron_delete(cleat__engine *engine, int64_t tenant, const cleat__uuid *id)
{
    looking it = {tenant, *id};
    const cleat__command command = {.kind = CLEAT__COMMAND_DELETE_CRON, .tenant = tenant, .as.id = *id};
    cleat_status status = cleat__engine_call(engine, look, &it);
    return status == CLEAT_OK ? cleat__engine_ask(engine, &command) : status;
}

typedef struct listing {
    int64_t tenant, to_skip, limit, now_ms;
    cleat_cron_list *out;
    cleat_status status;
} listing;

static bool visit(void *argument, const cleat__cron_row *row)
{
    listing *it = argument;
    if (it->to_skip > 0) {
        it->to_skip--;
        return true;
    }
    it->status = cleat__cron_list_add(it->out, &row->id, &row->what, row->is_enabled, it->now_ms);
    return it->status == CLEAT_OK && (int64_t)it->out->count < it->limit;
}

static cleat_status list(cleat__store *store, void *argument)
{
    listing *it = argument;
    const cleat__cron_order newest = {.is_by_name = false};
    cleat_status status = cleat__cron_list(store, it->tenant, newest, visit, it);
    return status == CLEAT_OK ? it->status : status;
}

cleat_status cleat__embedded_crons(cleat__engine *engine, int64_t tenant, int64_t offset, int64_t limit,
                                   cleat_cron_list *out)
{
    listing it = {.tenant = tenant,
                  .to_skip = offset,
                  .limit = limit,
                  .now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS,
                  .out = out};
    return cleat__engine_call(engine, list, &it);
}
