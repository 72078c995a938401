/* GET runs/{run}/view, traces/{trace}/view: spans for the waterfalls */
#include "base/error.h"
#include "server/stitched_json.h"
#include "ui_parts.h"

enum { SPANS = 10000, SPANS_MOST = 20000 };

typedef struct view {
    const cleat__http_call *call;
    cleat__uuid run_id;
    cleat_trace_id trace_id;
    bool is_run;
    int64_t limit, follow;
} view;

static cleat_status write_view(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    const view *self = argument;
    int64_t tenant = self->call->identity.tenant;
    cleat__stitched stitched;
    cleat_status status =
        self->is_run ? cleat__stitched_load_run(store, tenant, &self->run_id, (int32_t)self->limit, &stitched)
                     : cleat__stitched_load_trace(store, tenant, &self->trace_id, (int32_t)self->follow,
                                                  (int32_t)self->limit, &stitched);
    if (status == CLEAT_OK) {
        cleat__stitched_to_json(writer, NULL, &stitched);
    }
    cleat__stitched_deinit(&stitched);
    return status;
}

void cleat__ui_run_view(cleat__http_call *call)
{
    view self = {.call = call, .run_id = cleat__http_call_id(call, "run"), .is_run = true, .limit = SPANS};
    if (cleat__http_call_int(call, "limit", 1, SPANS_MOST, &self.limit)) {
        cleat__ui_answer(call, write_view, &self);
    }
}

void cleat__ui_trace_view(cleat__http_call *call)
{
    view self = {.call = call, .limit = SPANS};
    if (cleat__ui_read_trace(call, &self.trace_id) &&
        cleat__http_call_int(call, "limit", 1, SPANS_MOST, &self.limit) &&
        cleat__http_call_int(call, "follow", 0, CLEAT__STITCHED_FOLLOW_MAX, &self.follow)) {
        cleat__ui_answer(call, write_view, &self);
    }
}
