/* Why a run has not begun in its time: what held it up at the end, which memory knows better than the file
 * (store/queue_reasons.h). */
#include "base/buffer.h"
#include "engine/dag.h"
#include "engine/life_parts.h"
#include "model/cut.h"
#include "model/duration.h"

enum { TEXT_SHOWN = 80 };

/* It wants a slot of a rule of its own, or, as a task of several, its run does. */
static bool tell_slot(const cleat__core *core, const cleat__run *run, cleat__buffer *text)
{
    const cleat__run *root = cleat__dag_root(run);
    const cleat__concurrency *rule = NULL;
    cleat_slice key;
    if (!cleat__limits_want(core, root, &rule, &key) && !cleat__limits_want(core, run, &rule, &key)) {
        return false;
    }
    cleat__buffer_append_string(text, "it did not get a slot of ");
    cleat__cut_append(text, rule->name.data != NULL ? rule->name : rule->expression, TEXT_SHOWN);
    cleat__buffer_append_string(text, " for \"");
    cleat__cut_append(text, key, TEXT_SHOWN);
    cleat__buffer_append_string(text, "\" within");
    return true;
}

/* Its lane waits for the refill. */
static bool tell_rate(const cleat__lane *lane, cleat__buffer *text)
{
    for (size_t i = 0; lane->units != NULL && i < lane->units->count; i++) {
        const cleat__rate *rate = lane->units->items[i].rate;
        int units = (int)lane->units->items[i].units;
        if (lane->parked_in == &rate->waiting) {
            cleat__buffer_append_format(text, "it did not get %d unit%s of the rate limit ", units,
                                        units == 1 ? "" : "s");
            cleat__cut_append(text, rate->key, TEXT_SHOWN);
            cleat__buffer_append_string(text, " within");
            return true;
        }
    }
    return false;
}

static bool tell_batch(const cleat__core *core, const cleat__lane *lane, cleat__buffer *text)
{
    if (lane->batching == NULL || lane->parked_in == NULL) {
        return false;
    }
    if (lane->parked_in == &core->batches.waiting) {
        cleat__buffer_append_string(text, "its batch was not due within");
        return true;
    }
    if (lane->parked_in == &lane->batching->group->full) {
        cleat__buffer_append_format(text,
                                    "the batches of its group, %d at a time, left no room for it within",
                                    (int)lane->batching->rule->group_max_runs);
        return true;
    }
    return false;
}

void cleat__life_tell_held(const cleat__core *core, const cleat__run *run, int64_t patience_ms,
                           cleat__buffer *text)
{
    char duration[CLEAT__DURATION_TEXT];
    cleat__duration_format(patience_ms, duration);
    if (run->type->workflow->pause.is_paused) {
        cleat__buffer_append_string(text, "its workflow was paused for more than");
    } else if (!tell_slot(core, run, text) && !(run->lane != NULL && tell_rate(run->lane, text)) &&
               !(run->lane != NULL && tell_batch(core, run->lane, text))) {
        cleat__buffer_append_string(text, "no worker took it within");
    }
    cleat__buffer_append_format(text, " %s", duration);
}
