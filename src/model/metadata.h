/* What a run's metadata says of where it comes from. */
#ifndef CLEAT_MODEL_METADATA_H
#define CLEAT_MODEL_METADATA_H

#include "base/buffer.h"
#include "base/uuid.h"

/*
 * The metadata of a child: its parent's without the keys that begin with "hatchet__", overlaid by its
 * own, then hatchet__parent_workflow_run_id and hatchet__parent_step_run_id. Values stay as they were
 * written. `parent` and `own` are JSON objects that were checked, or absent. A failure is the
 * buffer's.
 */
void cleat__metadata_inherit(cleat_slice parent, cleat_slice own, const cleat__uuid *parent_id,
                             cleat__buffer *out);

#endif
