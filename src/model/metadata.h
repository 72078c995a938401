/* What a run's metadata says of where it comes from. Values stay as they were written. What is passed
 * is a JSON object that was checked, or absent; a failure is the buffer's. */
#ifndef CLEAT_MODEL_METADATA_H
#define CLEAT_MODEL_METADATA_H

#include "base/buffer.h"
#include "base/uuid.h"

/*
 * The metadata of a child: its parent's without the keys that begin with "hatchet__", overlaid by its
 * own, then hatchet__parent_workflow_run_id and hatchet__parent_step_run_id. A child with a traceparent
 * of its own also leaves what goes with the parent's: tracestate, baggage, and keys that begin with "cleat__".
 */
void cleat__metadata_inherit(cleat_slice parent, cleat_slice own, const cleat__uuid *parent_id,
                             cleat__buffer *out);

/*
 * The metadata of runs that an event starts: the event's without the keys that begin with "hatchet__",
 * but for those of its source (hatchet__source_workflow_run_id, hatchet__source_step_run_id), then
 * hatchet__event_id and hatchet__event_key.
 */
void cleat__metadata_of_event(cleat_slice event, const cleat__uuid *event_id, cleat_slice key,
                              cleat__buffer *out);

/*
 * The metadata of a run without a usable `traceparent`, with one: "00-<trace>-<span>-01", the ids
 * derived (otel.md 7) from the run that it comes from, by its own words, and from the run. Appends
 * nothing when it has one.
 */
void cleat__metadata_add_trace(cleat_slice metadata, const cleat__uuid *run_id, cleat__buffer *out);

/* Whether the value of `key` is the string `value`, or is written like it. False on no memory. */
bool cleat__metadata_says(cleat_slice metadata, cleat_slice key, cleat_slice value);

#endif
