/* POST runs/{run}/cancel and replay: all that a page can change. */
#include "base/error.h"
#include "engine/engine.h"
#include "ui_parts.h"

typedef cleat_status (*change)(struct cleat__engine *engine, int64_t tenant, const cleat__uuid *run_id);

/* There may be a body, for what is asked with it one day: it is an object. */
static bool has_good_body(cleat__http_call *call)
{
    if (call->body.size == 0) {
        return true;
    }
    json_t *body = cleat__http_call_json(call);
    json_decref(body);
    return body != NULL;
}

static void apply(cleat__http_call *call, change function)
{
    const cleat__ui *ui = call->service;
    cleat__uuid id = cleat__http_call_id(call, "run");
    cleat__json_writer writer = {0};
    if (!has_good_body(call)) {
        return;
    }
    cleat_status status =
        ui->engine != NULL
            ? function(ui->engine, call->identity.tenant, &id)
            : cleat__fail(CLEAT_FAILED_PRECONDITION, "these pages only read the file: nothing runs it, or "
                                                     "another process does, which has to be asked");
    if (status != CLEAT_OK) {
        cleat__http_call_fail_status(call, status);
        return;
    }
    cleat__writer_begin_object(&writer, NULL);
    cleat__ui_write_uuid(&writer, "id", &id);
    cleat__writer_end_object(&writer);
    cleat__http_call_answer_json(call, 200, &writer);
}

void cleat__ui_run_cancel(cleat__http_call *call)
{
    apply(call, cleat__engine_cancel);
}

void cleat__ui_run_replay(cleat__http_call *call)
{
    apply(call, cleat__engine_replay);
}
