#include "transport/grpc_moved.h"

#include "base/alloc.h"
#include "base/error.h"
#include "trace/protobuf.h"
#include "trace/record.h"

/* What is added to a record: the field of a parent. */
enum { PARENT_FIELD_SIZE = 2 + sizeof(cleat_span_id) };

static cleat_slice key_of(const cleat_trace_id *id)
{
    return (cleat_slice){(const char *)id->bytes, sizeof(id->bytes)};
}

/* ---- The traces ---- */

void cleat__moved_deinit(cleat__moved *moved)
{
    cleat__map_deinit(&moved->by_id);
    cleat__free(moved->traces);
    *moved = (cleat__moved){.next = 0};
}

void cleat__moved_add(cleat__moved *moved, const cleat__own_trace *trace)
{
    if (moved->traces == NULL) {
        moved->traces = cleat__calloc(CLEAT__MOVED_MAX, sizeof(*moved->traces));
    }
    if (moved->traces == NULL) {
        return;
    }
    cleat__own_trace *place = &moved->traces[moved->next % CLEAT__MOVED_MAX];
    if (moved->next >= CLEAT__MOVED_MAX && cleat__map_get(&moved->by_id, key_of(&place->trace_id)) == place) {
        (void)cleat__map_remove(&moved->by_id, key_of(&place->trace_id));
    }
    (void)cleat__map_remove(&moved->by_id, key_of(&trace->trace_id));
    *place = *trace;
    if (cleat__map_put(&moved->by_id, key_of(&place->trace_id), place) == CLEAT_OK) {
        moved->next++;
    }
}

/* The trace that the span is to be moved out of; NULL: it stays. What a run in the same trace sends, of
 * another task, is where its engine looks for it. */
static const cleat__own_trace *find(const cleat__moved *moved, const cleat_span_view *span)
{
    const cleat__own_trace *trace = cleat__map_get(&moved->by_id, key_of(&span->trace_id));
    cleat_value value;
    cleat__uuid task;
    bool is_of_task = trace != NULL && cleat_span_view_attribute(span, "hatchet.step_run_id", &value) &&
                      value.type == CLEAT_VALUE_STRING &&
                      cleat__uuid_parse(value.as.string, &task) == CLEAT_OK &&
                      cleat__uuid_equals(&task, &trace->task_id);
    return is_of_task ? trace : NULL;
}

/* ---- Copies ---- */

/* Another trace id, and a parent where there is none. Fields of a message may come in any order; a record
 * begins with the trace id (trace/record.h). */
static void put_copy(cleat__buffer *out, const cleat_span_view *span, const cleat__own_trace *trace,
                     cleat__batch_entry *entry)
{
    uint8_t *record = out->data + out->size;
    size_t size = span->record.size;
    memcpy(record, span->record.data, size);
    memcpy(record + 2, trace->run.trace_id.bytes, sizeof(trace->run.trace_id.bytes));
    if (!cleat_span_id_is_valid(&span->parent_span_id)) {
        uint8_t *at = cleat__put_tag(record + size, CLEAT__SPAN_PARENT_SPAN_ID, CLEAT__WIRE_BYTES);
        at = cleat__put_varint(at, sizeof(trace->run.span_id.bytes));
        memcpy(at, trace->run.span_id.bytes, sizeof(trace->run.span_id.bytes));
        size += PARENT_FIELD_SIZE;
    }
    cleat__batch_put(record + size, (cleat_slice){(const char *)record, size}, entry);
    out->size += size + entry->size;
}

static bool begins_with_trace_id(cleat_slice record)
{
    return record.size > 18 && record.data[0] == 0x0a && record.data[1] == 16;
}

/* Upper bound of what the copies take: the record, and the same as a field. */
static size_t bound_of(const cleat_span_batch *from)
{
    size_t size = 0;
    for (size_t i = 0; i < from->count; i++) {
        size += 2 * ((size_t)from->entries[i].size + PARENT_FIELD_SIZE) + CLEAT__BATCH_PREFIX_MAX;
    }
    return size;
}

cleat_status cleat__moved_batch_make(const cleat__moved *moved, const cleat_span_batch *from,
                                     cleat__moved_batch *out)
{
    out->entries = cleat__calloc(from->count, sizeof(*out->entries));
    if (out->entries == NULL || cleat__buffer_reserve(&out->copies, bound_of(from)) == NULL) {
        return cleat__fail_memory();
    }
    out->batch = (cleat_span_batch){.entries = out->entries, .count = from->count};
    for (size_t i = 0; i < from->count; i++) {
        cleat__batch_entry *entry = &out->entries[i];
        cleat_span_view span;
        *entry = from->entries[i];
        bool is_read = cleat_span_view_read(cleat__batch_record(entry), &span) == CLEAT_OK;
        const cleat__own_trace *trace = is_read ? find(moved, &span) : NULL;
        if (trace != NULL && begins_with_trace_id(span.record)) {
            put_copy(&out->copies, &span, trace, entry);
        }
    }
    return CLEAT_OK;
}

void cleat__moved_batch_deinit(cleat__moved_batch *batch)
{
    cleat__free(batch->entries);
    cleat__buffer_deinit(&batch->copies);
    *batch = (cleat__moved_batch){.entries = NULL};
}
