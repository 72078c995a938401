/* What a node of a durable run's log is known by: a hash, which a replay must have again, and a label for people. */
#ifndef CLEAT_MODEL_NODE_H
#define CLEAT_MODEL_NODE_H

#include "base/buffer.h"
#include "model/durable.h"

/* What is asked for, without what may differ in a replay: metadata, priority, groups, scopes. */
int64_t cleat__node_hash_memo(cleat_slice key);
int64_t cleat__node_hash_run(const cleat__trigger *item);
int64_t cleat__node_hash_wait(const cleat__condition *conditions, size_t count);

#define CLEAT__NODE_LABEL_MAX 80 /* bytes; a longer one is cut */
/* Keys of what the library itself records, which no step has. Nothing is stored as the end: it is asked for by a
 * function that has ended, where the log goes on. */
#define CLEAT__MEMO_PREFIX  "cleat:"
#define CLEAT__MEMO_NOW     CLEAT__MEMO_PREFIX "now"
#define CLEAT__MEMO_TOKEN   CLEAT__MEMO_PREFIX "hook"
#define CLEAT__MEMO_VERSION CLEAT__MEMO_PREFIX "version"
#define CLEAT__MEMO_END     CLEAT__MEMO_PREFIX "end"

/* What may be said of a hook's token, with "..." behind it, in sentences and labels: who knows all of it can resume the
 * run, and these go into spans. Its beginning; of a short one less. */
cleat_slice cleat__hook_shown(cleat_slice token);

/* `step "charge"`, `run ship`, `sleep 24h, event "paid"`; what is not printable is '?'. */
void cleat__node_label_memo(cleat_slice key, cleat__buffer *out);
void cleat__node_label_run(const cleat__trigger *item, cleat__buffer *out);
/* `given` (absent: none) instead of one that is made of the conditions. */
void cleat__node_label_wait(const cleat__condition *conditions, size_t count, cleat_slice given,
                            cleat__buffer *out);

/* {"sleep_duration":"24h"}, what a wait says of a sleep. */
void cleat__sleep_data(const cleat__condition *condition, cleat__buffer *out);

/* The payload of a wait, {"CREATE":{"key":[data, ..], ..}}, made of one condition that was met after the other.
 * Those of one key must come one after the other; `former` is the key of the one before, NULL: the first. */
void cleat__wait_payload_begin(cleat__buffer *out);
void cleat__wait_payload_add(cleat__buffer *out, const cleat_slice *former, cleat_slice key,
                             cleat_slice data);
void cleat__wait_payload_end(cleat__buffer *out, bool is_empty);

#endif
