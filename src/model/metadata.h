/* What a run's metadata says of where it comes from. Values stay as they were written. What is passed
 * is a JSON object that was checked, or absent; a failure is the buffer's. */
#ifndef CLEAT_MODEL_METADATA_H
#define CLEAT_MODEL_METADATA_H

#include "base/buffer.h"
#include "base/uuid.h"

/*
 * The metadata of a child: its parent's without the keys that begin with "hatchet__", overlaid by its
 * own, then hatchet__parent_workflow_run_id and hatchet__parent_step_run_id, which differ where the parent is a task
 * of a run of several. What belongs to a trace stays
 * together: a child with a traceparent of its own leaves tracestate, baggage and the keys that begin with
 * "cleat__" to its parent; one without takes the parent's tracestate, whatever its own is.
 */
void cleat__metadata_inherit(cleat_slice parent, cleat_slice own, const cleat__uuid *parent_run,
                             const cleat__uuid *parent_id, cleat__buffer *out);

/*
 * The metadata of runs that an event starts: the event's without the keys that begin with "hatchet__",
 * but for those of its source (hatchet__source_workflow_run_id, hatchet__source_step_run_id), then
 * hatchet__event_id and hatchet__event_key.
 */
void cleat__metadata_of_event(cleat_slice event, const cleat__uuid *event_id, cleat_slice key,
                              cleat__buffer *out);

/* The metadata of a run that a cron starts: the cron's, then hatchet__cron_expression, hatchet__cron_name and
 * hatchet__cron_scheduled_at, a time of RFC 3339. */
void cleat__metadata_of_cron(cleat_slice cron, cleat_slice expression, cleat_slice name, int64_t at_ms,
                             cleat__buffer *out);

/*
 * The metadata of a run without a usable `traceparent`, with one: "00-<trace>-<span>-01", the ids
 * derived (otel.md 7) from the run that it comes from, by its own words, and from the run. Appends
 * nothing when it has one.
 */
void cleat__metadata_add_trace(cleat_slice metadata, const cleat__uuid *run_id, cleat__buffer *out);

/*
 * The metadata of an invocation that another message brought than the one that started the run: `carrier`'s
 * keys are laid over those of `metadata`. When it has a trace context, that is where the invocation comes from,
 * and the run's first one stays its origin (telemetry.md 2: cleat__origin_traceparent, _tracestate), unless
 * the carrier names an origin itself. Of `baggage` the entries of both are there, the carrier's where a name is in
 * both. Absent slices are empty objects. Both are checked.
 */
void cleat__metadata_deliver(cleat_slice metadata, cleat_slice carrier, cleat__buffer *out);

/* The carrier of an invocation that `message` brought although the run had left itself `former`: where the run comes
 * from stays what it said itself. */
void cleat__metadata_follow(cleat_slice former, cleat_slice message, cleat__buffer *out);

/* Of a message's metadata the trace context alone (traceparent, tracestate, baggage), as a carrier; nothing when it
 * has none. */
void cleat__metadata_carrier(cleat_slice metadata, cleat__buffer *out);

/* Whether the value of `key` is the string `value`, or is written like it. False on no memory. */
bool cleat__metadata_says(cleat_slice metadata, cleat_slice key, cleat_slice value);
struct json_t;
/* Whether it has one of the pairs "key:value" of an array, or all of them; also when there are none. */
bool cleat__metadata_has_pairs(const struct json_t *pairs, bool needs_all, cleat_slice metadata);

#endif
