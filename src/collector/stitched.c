/* From the parts to the whole. */
#include "collector/stitched.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"
#include "collector/stitching.h"

enum { FIRST_CAPACITY = 64, NAME_MAX = 1024 };

cleat_status cleat__stitch_grow(void **items, int32_t count, int32_t *capacity, size_t item_size)
{
    if (count == *capacity) {
        if (*capacity > INT32_MAX / 2) {
            return cleat__fail(CLEAT_TOO_LARGE, "there is more than can be drawn");
        }
        int32_t more = *capacity == 0 ? FIRST_CAPACITY : *capacity * 2;
        void *grown = cleat__realloc(*items, (size_t)more * item_size);
        if (grown == NULL) {
            return cleat__fail_memory();
        }
        *items = grown;
        *capacity = more;
    }
    memset((char *)*items + (size_t)count * item_size, 0, item_size);
    return CLEAT_OK;
}

cleat_status cleat__stitch_keep_name(cleat__stitching *it, cleat_slice name, cleat_slice *out)
{
    if (name.size > NAME_MAX) {
        size_t whole = cleat__utf8_valid_prefix(name.data, NAME_MAX);
        name.size = whole > 0 ? whole : NAME_MAX;
    }
    return cleat__arena_keep(&it->out->memory, name, out) ? CLEAT_OK : cleat__fail_memory();
}

static cleat__stitching begin(cleat__store *store, int64_t tenant, int32_t limit, cleat__stitched *out)
{
    memset(out, 0, sizeof(*out));
    out->tenant = tenant;
    out->is_complete = true;
    limit = limit <= 0 ? CLEAT__STITCHED_LIMIT : limit;
    limit = limit < CLEAT__STITCHED_LIMIT_MAX ? limit : CLEAT__STITCHED_LIMIT_MAX;
    return (cleat__stitching){.store = store, .out = out, .limit = limit};
}

/* All that comes once runs and traces are known. */
static cleat_status stitch(cleat__stitching *it)
{
    cleat_status status = cleat__stitch_nodes(it);
    if (status == CLEAT_OK) {
        status = cleat__stitch_choose(it);
    }
    if (status == CLEAT_OK) {
        status = cleat__stitch_spans(it);
    }
    return status == CLEAT_OK ? cleat__stitch_links(it) : status;
}

static void end(cleat__stitching *it)
{
    cleat__map_deinit(&it->run_ids);
    cleat__free(it->traces);
    cleat__free(it->nodes);
}

cleat_status cleat__stitched_load_run(cleat__store *store, int64_t tenant, const cleat__uuid *run_id,
                                      int32_t limit, cleat__stitched *out)
{
    cleat__stitching it = begin(store, tenant, limit, out);
    it.of_run = true;
    cleat_status status = cleat__stitch_runs(&it, run_id);
    if (status == CLEAT_OK) {
        status = cleat__stitch_traces_of_runs(&it);
    }
    if (status == CLEAT_OK) {
        status = stitch(&it);
    }
    end(&it);
    return status;
}

cleat_status cleat__stitched_load_trace(cleat__store *store, int64_t tenant, const cleat_trace_id *trace_id,
                                        int32_t follow, int32_t limit, cleat__stitched *out)
{
    cleat__stitching it = begin(store, tenant, limit, out);
    follow = follow < CLEAT__STITCHED_FOLLOW_MAX ? follow : CLEAT__STITCHED_FOLLOW_MAX;
    cleat_status status = cleat__stitch_traces_linked(&it, trace_id, follow);
    if (status == CLEAT_OK) {
        status = stitch(&it);
    }
    if (status == CLEAT_OK && out->span_count == 0) {
        status = cleat__fail(CLEAT_NOT_FOUND, "the trace has no spans any more");
    }
    end(&it);
    return status;
}

void cleat__stitched_deinit(cleat__stitched *stitched)
{
    cleat__free(stitched->runs);
    cleat__free(stitched->traces);
    cleat__free(stitched->spans);
    cleat__free(stitched->links);
    cleat__free(stitched->services);
    cleat__free(stitched->links_to);
    cleat__free(stitched->linked_from);
    cleat__source_list_deinit(&stitched->sources);
    cleat__arena_deinit(&stitched->memory);
    memset(stitched, 0, sizeof(*stitched));
}
