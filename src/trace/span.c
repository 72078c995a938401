/* The life of a span once it has started: its end, and what happens to its memory in between and afterwards. */
#include "span.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "provider.h"
#include "record.h"
#include "span_counts.h"
#include "span_pool.h"
#include "tracer.h"
#include "visit.h"

/* Memory above this is not kept for the next span. */
enum { LARGEST_KEPT_BUFFER = 64 * 1024 };

void cleat__span_init(cleat__span *span)
{
    memset(span, 0, sizeof(*span));
    cleat__attribute_set_init(&span->attributes, CLEAT__SPAN_ATTRIBUTES, span->data, sizeof(span->data),
                              span->slots, CLEAT__SPAN_INLINE_ATTRIBUTES);
}

cleat__span_details *cleat__span_details_get(cleat__span *span)
{
    if (span->details == NULL) {
        span->details = cleat__calloc(1, sizeof(*span->details));
    }
    return span->details;
}

static inline void reset_buffer(cleat__buffer *buffer)
{
    buffer->size = 0;
    if (__builtin_expect(buffer->capacity > LARGEST_KEPT_BUFFER, false)) {
        cleat__buffer_deinit(buffer);
    }
}

static void reset_details(cleat__span_details *details)
{
    reset_buffer(&details->events);
    reset_buffer(&details->links);
    reset_buffer(&details->status_message);
    reset_buffer(&details->long_name);
    if (__builtin_expect(details->attributes.capacity > LARGEST_KEPT_BUFFER, false)) {
        cleat__attribute_set_deinit(&details->attributes);
    }
}

static void reset_large_attributes(cleat__attribute_set *set, cleat__span *span)
{
    cleat__attribute_set_deinit(set);
    cleat__attribute_set_init(set, CLEAT__SPAN_ATTRIBUTES, span->data, sizeof(span->data), span->slots,
                              CLEAT__SPAN_INLINE_ATTRIBUTES);
}

static void reset(cleat__span *span)
{
    if (__builtin_expect(span->attributes.capacity > LARGEST_KEPT_BUFFER, false)) {
        reset_large_attributes(&span->attributes, span);
    }
    cleat__attribute_set_clear(&span->attributes);
    if (span->details != NULL) {
        reset_details(span->details);
    }
    span->status = CLEAT_SPAN_STATUS_UNSET;
    span->ending = false;
    span->name_size = 0;
    span->event_count = span->dropped_events = 0;
    span->link_count = span->dropped_links = 0;
    span->tracer = NULL;
}

/* ---- While it lives ---- */

int64_t cleat__span_now(const cleat__span *span)
{
    const cleat__span_clock *clock = &span->tracer->provider->clock;
    if (!span->is_anchored) {
        return cleat__span_clock_unix_ns(clock);
    }
    int64_t passed = cleat__span_clock_monotonic_ns(clock) - span->start_monotonic_ns;
    return span->start_unix_ns + (passed > 0 ? passed : 0);
}

void cleat_span_get_context(cleat_span span, cleat_span_context *out)
{
    if (out == NULL) {
        return;
    }
    if (span.impl != NULL && cleat__span_is_live(span)) {
        cleat__spin_lock(&span.impl->lock);
        bool is_live = cleat__span_is_live(span);
        if (is_live) {
            cleat__copy_context(out, &span.impl->context);
        }
        cleat__spin_unlock(&span.impl->lock);
        if (is_live) {
            return;
        }
    }
    memset(out, 0, sizeof(*out));
}

bool cleat_span_is_recording(cleat_span span)
{
    return span.impl != NULL && (span.generation & CLEAT__SPAN_IS_RECORDING) != 0 &&
           cleat__span_is_live(span) && !cleat__span_is_orphan(span.impl);
}

cleat__span_entry cleat__span_enter_ending(cleat_span handle)
{
    cleat__span *span = handle.impl;
    bool is_live = cleat__span_is_live(handle);
    if (is_live && span->ender != NULL && span->ender == cleat__local_of_thread) {
        return CLEAT__SPAN_ENTERED;
    }
    bool is_orphan = is_live && cleat__span_is_orphan(span);
    cleat__spin_unlock(&span->lock);
    return is_orphan ? CLEAT__SPAN_IGNORES : CLEAT__SPAN_STALE;
}

cleat_status cleat__span_refuse_stale(void)
{
    static cleat__log_site site;
    cleat__log_limited(&site, CLEAT_LOG_WARN, "a span is used after its end");
    return cleat__fail(CLEAT_FAILED_PRECONDITION, "the span has ended");
}

/* ---- End ---- */

/* The handle's generation is this span's, and its lock is held. */
static void retire(cleat_span handle)
{
    const uint64_t flags = CLEAT__SPAN_IS_LIVE | CLEAT__SPAN_IS_RECORDING;
    atomic_store_explicit(&handle.impl->generation, handle.generation & ~flags, memory_order_release);
}

static void give_back(cleat__span *span)
{
    cleat__local *local = cleat__local_get();
    if (local != NULL) { /* else it is lost to the pool, but still in its slab */
        cleat__span_pool_return(local, span);
    }
}

/* A span that does not record, or an orphan. */
static cleat_status end_silently(cleat_span handle)
{
    cleat__span *span = handle.impl;
    cleat__spin_lock(&span->lock);
    cleat__orphan orphan = (cleat__orphan)atomic_load_explicit(&span->orphan, memory_order_relaxed);
    bool is_live = cleat__span_is_live(handle);
    if (is_live) {
        retire(handle);
    }
    cleat__spin_unlock(&span->lock);
    if (!is_live) {
        return cleat__span_refuse(CLEAT__SPAN_STALE);
    }
    if (orphan == CLEAT__ORPHAN_TORN) {
        return CLEAT_OK;
    }
    if (orphan == CLEAT__ORPHAN) {
        atomic_store_explicit(&span->orphan, CLEAT__NO_ORPHAN, memory_order_relaxed);
        reset(span);
    }
    give_back(span);
    return CLEAT_OK;
}

static void notify_ending(const cleat_tracer_provider *provider, cleat_span span)
{
    unsigned count = cleat__provider_processors(provider);
    for (unsigned i = 0; i < count; i++) {
        cleat_span_processor *processor = provider->processors[i];
        if (processor->on_ending != NULL) {
            processor->on_ending(processor, span);
        }
    }
}

/* A processor may fork: in the child the others do not get the parent's span. */
static void notify_end(const cleat_tracer_provider *provider, const cleat_span_view *view)
{
    unsigned count = cleat__provider_processors(provider);
    uint64_t process = count > 1 ? cleat__process() : 0;
    for (unsigned i = 0; i < count; i++) {
        if (i != 0 && process != cleat__process()) {
            return;
        }
        cleat_span_processor *processor = provider->processors[i];
        if (processor->on_end != NULL) {
            processor->on_end(processor, view);
        }
    }
}

static inline cleat_slice bytes_of(const cleat__buffer *buffer)
{
    return (cleat_slice){(const char *)buffer->data, buffer->size};
}

static void view_of(const cleat__span *span, int64_t end_ns, cleat_span_view *view)
{
    const cleat__span_details *details = span->details;
    const cleat_span_context *context = &span->context;
    /* Field by field: clearing the whole view first would cost more than filling it. */
    view->resource = span->tracer->provider->resource;
    view->scope = span->tracer->scope;
    view->trace_id = context->trace_id;
    view->span_id = context->span_id;
    view->parent_span_id = span->parent_span_id;
    view->flags = span->flags;
    view->trace_state = (cleat_slice){context->trace_state, context->trace_state_size};
    view->name = cleat__span_name(span);
    view->kind = (cleat_span_kind)span->kind;
    view->start_time_ns = span->start_unix_ns;
    view->end_time_ns = end_ns > span->start_unix_ns ? end_ns : span->start_unix_ns;
    view->status = (cleat_span_status)span->status;
    view->status_message = details != NULL ? bytes_of(&details->status_message) : (cleat_slice){NULL, 0};
    view->attribute_count = span->attributes.count;
    view->dropped_attribute_count = span->attributes.dropped;
    view->event_count = span->event_count;
    view->dropped_event_count = span->dropped_events;
    view->link_count = span->link_count;
    view->dropped_link_count = span->dropped_links;
}

/* The span's record, in memory borrowed from the thread; NULL on no memory. */
static uint8_t *assemble(cleat__span *span, int64_t end_ns, cleat__local *local, size_t *capacity,
                         cleat_span_view *view)
{
    view_of(span, end_ns, view);
    cleat__record_parts parts = {
        .span = view,
        .attributes = {(const char *)span->attributes.data, span->attributes.size},
    };
    if (span->details != NULL) {
        parts.events = bytes_of(&span->details->events);
        parts.links = bytes_of(&span->details->links);
    }
    uint8_t *record = cleat__local_scratch_take(local, cleat__record_bound(&parts), capacity);
    if (record != NULL) {
        cleat__record_write(&parts, record, view);
    }
    return record;
}

static void log_losses(const cleat_span_view *view)
{
    static cleat__log_site site;
    cleat__log_limited(&site, CLEAT_LOG_WARN,
                       "limits took %u attributes, %u events and %u links off the span \"%.*s\"",
                       view->dropped_attribute_count, view->dropped_event_count, view->dropped_link_count,
                       CLEAT_SLICE_ARGS(view->name));
}

/* Inside a visit: a provider that the span is found to have stays. `local` NULL: no memory. */
static cleat_status end_recording(cleat_span handle, int64_t time_ns, cleat__local *local)
{
    cleat__span *span = handle.impl;
    cleat__span_entry entry = cleat__span_enter(handle);
    if (entry != CLEAT__SPAN_ENTERED) {
        return entry == CLEAT__SPAN_IGNORES ? end_silently(handle) : cleat__span_refuse(entry);
    }
    if (span->ending) {
        cleat__span_leave(handle);
        return cleat__span_refuse(CLEAT__SPAN_STALE);
    }
    span->ending = true;
    span->ender = local;
    int64_t end_ns = time_ns > 0 ? time_ns : cleat__span_now(span);
    cleat_tracer_provider *provider = span->tracer->provider;
    if ((atomic_load_explicit(&provider->hooks, memory_order_relaxed) & CLEAT__HOOK_ON_ENDING) != 0) {
        cleat__span_leave(handle);
        notify_ending(provider, handle);
        cleat__spin_lock(&span->lock); /* nobody but this call can retire it now, unless it is an orphan */
        if (!cleat__span_is_live(handle) || cleat__span_is_orphan(span)) {
            cleat__spin_unlock(&span->lock);
            return end_silently(handle);
        }
    }
    cleat__count_end(span, local);
    size_t capacity = 0;
    cleat_span_view view;
    uint8_t *record = local != NULL ? assemble(span, end_ns, local, &capacity, &view) : NULL;
    retire(handle);
    cleat__spin_unlock(&span->lock);
    reset(span);
    give_back(span);
    if (record == NULL) {
        static cleat__log_site site;
        cleat__count_shared(&provider->account, CLEAT__COUNT_NO_MEMORY, 1);
        cleat__log_limited(&site, CLEAT_LOG_WARN, "out of memory: a span is lost");
        return cleat__fail_memory();
    }
    notify_end(provider, &view);
    if ((view.dropped_attribute_count | view.dropped_event_count | view.dropped_link_count) != 0) {
        log_losses(&view);
    }
    cleat__local_scratch_return(local, record, capacity);
    return CLEAT_OK;
}

cleat_status cleat_span_end_at(cleat_span span, int64_t time_ns)
{
    if (span.impl == NULL) {
        return CLEAT_OK;
    }
    if ((span.generation & CLEAT__SPAN_IS_RECORDING) == 0) {
        return end_silently(span);
    }
    cleat__local *local = cleat__local_get();
    if (local == NULL) { /* no memory: the span is lost, but it ends */
        return end_recording(span, time_ns, NULL);
    }
    cleat__visit_begin(local);
    cleat_status status = end_recording(span, time_ns, local);
    cleat__visit_end(local);
    return status;
}

cleat_status cleat_span_end(cleat_span span)
{
    return cleat_span_end_at(span, 0);
}
