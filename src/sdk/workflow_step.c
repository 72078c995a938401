/*
 * Steps in place. Each attempt is a value in the log: {"output":..} or {"error":"..","status":"FAILED"}; the
 * back-off before the next one is a wait as any other.
 */
#include "sdk/invocation.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/utf8.h"
#include "model/duration.h"
#include "model/json.h"
#include "model/json_members.h"
#include "sdk/options.h"

#include <inttypes.h>
#include <stdio.h>

#define STATUS_PREFIX (sizeof("CLEAT_") - 1)
#define STEP_NAME_MAX 255
#define LABEL_SIZE    400

struct cleat_step_call {
    cleat__chain chain;
    cleat__invocation *invocation;
    const cleat_step_options *options;
    cleat_task *task;
    int attempt;
    cleat__node node; /* that a former invocation has taken, and not come to fill; number 0: none */
    bool is_made;
    cleat_status status; /* how it ended */
    const char *error;   /* of a failure; the invocation's, as what follows */
    cleat_slice output;
};

cleat_task *cleat_step_call_task(cleat_step_call *call)
{
    return call != NULL ? call->task : NULL;
}

cleat_task *cleat_step_call_workflow(cleat_step_call *call)
{
    return call != NULL ? call->invocation->task : NULL;
}

const char *cleat_step_call_name(const cleat_step_call *call)
{
    return call != NULL ? call->options->name : NULL;
}

int cleat_step_call_attempt(const cleat_step_call *call)
{
    return call != NULL ? call->attempt : 0;
}

const char *cleat_step_call_error(const cleat_step_call *call)
{
    return call != NULL && call->is_made && call->status != CLEAT_OK ? call->error : NULL;
}

/* ---- The record ---- */

static const char before_output[] = "{\"output\":";

static void write_record(cleat_status status, const char *error, const char *output, cleat__buffer *out)
{
    if (status == CLEAT_OK) {
        cleat__buffer_append_string(out, before_output);
        cleat__buffer_append_string(out, output != NULL ? output : "null");
        cleat__buffer_append_byte(out, '}');
        return;
    }
    cleat__buffer_append_string(out, "{\"error\":");
    cleat__buffer_append_json(out, cleat_slice_of(error));
    cleat__buffer_append_format(out, ",\"status\":\"%s\"}", cleat_status_name(status) + STATUS_PREFIX);
}

static cleat_status status_named(cleat_slice quoted)
{
    for (cleat_status status = CLEAT_EMPTY; status <= CLEAT_NON_DETERMINISTIC; status++) {
        cleat_slice name = cleat_slice_of(cleat_status_name(status) + STATUS_PREFIX);
        if (quoted.size == name.size + 2 && memcmp(quoted.data + 1, name.data, name.size) == 0) {
            return status;
        }
    }
    return CLEAT_FAILED;
}

/* False: it is none of a step, or no memory. */
static bool read_record(cleat_step_call *call, cleat_slice record)
{
    cleat_slice value, text, kept;
    char *memory = NULL;
    if (cleat__json_find_member(record, "output", &value)) {
        call->status = CLEAT_OK;
        call->output = value;
        return true;
    }
    if (!cleat__json_find_member(record, "error", &value) ||
        !cleat__json_decode_string(value, &text, &memory)) {
        return false;
    }
    bool is_kept = cleat__arena_keep(&call->invocation->memory, text, &kept);
    cleat__free(memory);
    call->error = is_kept ? kept.data : NULL;
    call->status = cleat__json_find_member(record, "status", &value) ? status_named(value) : CLEAT_FAILED;
    return is_kept;
}

/* Consumes it: the newest node has it from now on. */
static void own_record(cleat__invocation *it, char *record)
{
    cleat__logged *node = cleat__invocation_node(it, (int64_t)it->node_count);
    cleat__free(node->end.payload);
    node->end.payload = record;
}

/* The step's end is what its record says. Consumes it. */
static cleat_status take_record(cleat_step_call *call, char *record)
{
    cleat__invocation *it = call->invocation;
    own_record(it, record);
    if (read_record(call, cleat_slice_of(record))) {
        return CLEAT_OK;
    }
    return cleat__invocation_stop(it, cleat__fail(CLEAT_NON_DETERMINISTIC,
                                                  "what is recorded as step \"%s\" is no end of a step",
                                                  call->options->name));
}

/* ---- The function ---- */

/* How its attempt ended. The sentence is this thread's message, but of the function's own failure, which may be longer. */
static cleat_status judge(const cleat_step_call *call, cleat_status status, bool is_late, const char **error)
{
    const cleat_task *task = call->task;
    const char *name = call->options->name;
    if (is_late) {
        status = cleat__fail(CLEAT_TIMEOUT, "step \"%s\" did not end within %" PRId64 " ms", name,
                             call->options->timeout_ms);
    } else if (status == CLEAT_SUSPENDED) {
        status = cleat__fail(CLEAT_NON_RETRYABLE,
                             "step \"%s\" returned CLEAT_SUSPENDED: only the function of the workflow waits",
                             name);
    } else if (status == CLEAT_OK && task->output != NULL && strlen(task->output) > CLEAT_PAYLOAD_MAX - 64) {
        status = cleat__fail(CLEAT_TOO_LARGE, "the output of step \"%s\" has more than %zu bytes", name,
                             CLEAT_PAYLOAD_MAX - 64);
    } else {
        *error = cleat__task_error(task, status);
        return status;
    }
    *error = cleat_error_message();
    return status;
}

static cleat_status run_function(cleat_step_call *call, const char **error)
{
    cleat__invocation *it = call->invocation;
    const int64_t timeout_ms = call->options->timeout_ms;
    const int64_t deadline_ns = timeout_ms > 0 ? cleat__deadline_ns(timeout_ms) : INT64_MAX;
    cleat__step_begin(it->task, call->task, deadline_ns);
    it->step = call->options->name;
    cleat_status status = cleat__task_call(call->task, call->options->run, call->options->user_data);
    it->step = NULL;
    bool is_late = cleat__clock_monotonic_ns(NULL) >= deadline_ns;
    cleat__step_end(it->task, call->task);
    return judge(call, status, is_late, error);
}

/* One that was just written, `size` bytes, of a step that went well: where the output is in it is known. Consumes it. */
static void take_output(cleat_step_call *call, char *record, size_t size)
{
    const size_t before = sizeof(before_output) - 1;
    own_record(call->invocation, record);
    call->status = CLEAT_OK;
    call->output = (cleat_slice){record + before, size - before - 1};
}

/* Stores the record of an attempt that ended so; what is recorded already wins. Consumes it. */
static cleat_status store_record(cleat_step_call *call, cleat_status ended, char *record, size_t size)
{
    cleat__invocation *it = call->invocation;
    const cleat_slice key = cleat_slice_of(call->options->name);
    cleat__durable_request request = {.kind = CLEAT__DURABLE_MEMO};
    char *former = NULL;
    if (call->node.number != 0) {
        request.kind = CLEAT__DURABLE_COMPLETE_MEMO;
        request.as.complete_memo.node = call->node;
        request.as.complete_memo.key = key;
        request.as.complete_memo.payload = (cleat_slice){record, size};
    } else {
        request.as.memo.key = key;
        request.as.memo.payload = (cleat_slice){record, size};
    }
    cleat_status status = cleat__invocation_store(it, &request);
    if (request.kind == CLEAT__DURABLE_MEMO) {
        former = request.as.memo.value;
    }
    if (status != CLEAT_OK || former != NULL) {
        cleat__free(record);
        record = former;
    } else if (ended == CLEAT_OK) {
        take_output(call, record, size);
        return CLEAT_OK;
    }
    return status == CLEAT_OK ? take_record(call, record) : status;
}

/* `status` and `error` say how the attempt ended. A cancelled step that has done its work all the same has
 * done it: the engine says whether the run is over, or it is only its worker that cannot wait. One that broke off
 * has not failed. */
static cleat_status record_end(cleat_step_call *call, cleat_status status, const char *error)
{
    cleat__invocation *it = call->invocation;
    cleat__buffer text = {0};
    if (status != CLEAT_OK && atomic_load(&it->task->cancelled)) {
        return cleat__invocation_stop(
            it, cleat__fail(CLEAT_CANCELLED, "the run was cancelled in step \"%s\"", call->options->name));
    }
    write_record(status, error, call->task->output, &text);
    size_t size = text.size;
    char *record = cleat__buffer_take_string(&text);
    return record != NULL ? store_record(call, status, record, size)
                          : cleat__invocation_stop(it, cleat__fail_memory());
}

/* ---- The call ---- */

static cleat_status fail_as_recorded(const cleat_step_call *call)
{
    return call->status == CLEAT_OK ? CLEAT_OK : cleat__fail(call->status, "%s", call->error);
}

static cleat_status make_step(cleat_step_call *call)
{
    const char *error;
    cleat_status status = run_function(call, &error);
    status = record_end(call, status, error);
    call->is_made = status == CLEAT_OK;
    return status == CLEAT_OK ? fail_as_recorded(call) : status;
}

cleat_status cleat_step_call_proceed(cleat_step_call *call)
{
    if (call == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "call is NULL");
    }
    cleat_status status = cleat__chain_check(&call->chain);
    if (status != CLEAT_OK) {
        return status;
    }
    const cleat_interceptor *next = cleat__chain_next(&call->chain, offsetof(cleat_interceptor, step));
    status = next != NULL ? next->step(next->user_data, call) : make_step(call);
    call->chain.spent = true;
    return status;
}

/* Runs it. What a hook answered that did not let it run is how the attempt ended. */
static cleat_status perform(cleat_step_call *call)
{
    cleat__invocation *it = call->invocation;
    cleat_status status = cleat_step_call_proceed(call);
    status = cleat__chain_end(status, call->is_made);
    if (it->stopped == CLEAT_OK && !call->is_made) {
        (void)record_end(call, status, cleat_error_message());
    }
    return it->stopped;
}

static cleat_status run_attempt(cleat_step_call *call)
{
    cleat__invocation *it = call->invocation;
    if (cleat__invocation_is_new(it, cleat__invocation_next(it))) {
        /* What was asked for before the step has begun by then, and the values that it may have been made of are
         * the same if it must run again. */
        cleat_status status = cleat__invocation_store(it, NULL);
        return status == CLEAT_OK ? perform(call) : status;
    }
    cleat__durable_request request = {.kind = CLEAT__DURABLE_MEMO};
    request.as.memo.key = cleat_slice_of(call->options->name);
    cleat_status status = cleat__invocation_store(it, &request);
    if (status != CLEAT_OK) {
        cleat__free(request.as.memo.value);
        return status;
    }
    if (request.as.memo.value != NULL) {
        return take_record(call, request.as.memo.value);
    }
    call->node = request.as.memo.node;
    return perform(call);
}

/* With a task of its own. */
static cleat_status run_attempt_as_task(cleat_step_call *call)
{
    cleat__invocation *it = call->invocation;
    cleat_task task;
    cleat__step_init(&task, it->task, call->options, call->attempt);
    call->task = &task;
    cleat_status status = run_attempt(call);
    call->task = NULL;
    cleat__step_deinit(&task);
    return status;
}

/* The back-off is a wait, so that a workflow holds nothing meanwhile. */
static cleat_status back_off(cleat__invocation *it, const cleat_step_options *options,
                             const cleat__policy *policy, int attempt)
{
    char text[CLEAT__DURATION_TEXT], label[LABEL_SIZE];
    int64_t ms = cleat__policy_backoff_ms(policy, attempt);
    cleat__duration_format(ms, text);
    (void)snprintf(label, sizeof(label), "sleep %s before attempt %d of %s", text, attempt + 1,
                   options->name);
    return cleat__invocation_sleep(it, ms, cleat_slice_of(text), label);
}

static cleat_status run_step(cleat__invocation *it, const cleat_step_options *options,
                             const cleat__policy *policy, cleat_slice *output)
{
    for (int attempt = 1;; attempt++) {
        cleat_step_call call = {
            .chain = {.client = it->task->worker->client},
            .invocation = it,
            .options = options,
            .attempt = attempt,
        };
        if (run_attempt_as_task(&call) != CLEAT_OK) {
            return cleat__invocation_again(it);
        }
        if (call.status == CLEAT_OK && output != NULL) {
            *output = call.output;
        }
        if (call.status == CLEAT_OK || call.status == CLEAT_NON_RETRYABLE || attempt > options->retries) {
            return cleat__invocation_fail(it, call.status, call.error);
        }
        cleat_status status = back_off(it, options, policy, attempt);
        if (status != CLEAT_OK) {
            return status;
        }
    }
}

static cleat_status check_step(const cleat_step_options *options, cleat__policy *policy)
{
    const cleat_slice name = cleat_slice_of(options->name);
    if (name.size == 0 || name.size > STEP_NAME_MAX ||
        cleat__utf8_valid_prefix(name.data, name.size) != name.size) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the name of a step has 1 to %d bytes of UTF-8",
                           STEP_NAME_MAX);
    }
    if (strncmp(options->name, CLEAT__MEMO_PREFIX, sizeof(CLEAT__MEMO_PREFIX) - 1) == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "step \"%s\": names with \"" CLEAT__MEMO_PREFIX "\" are the library's",
                           options->name);
    }
    if (options->run == NULL || options->timeout_ms < 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "step \"%s\": %s", options->name,
                           options->run == NULL ? "run is NULL" : "timeout_ms is negative");
    }
    cleat_status status =
        options->input != NULL ? cleat__json_check("input", cleat_slice_of(options->input), true) : CLEAT_OK;
    const cleat_task_options same = {
        .struct_size = sizeof(same),
        .name = options->name,
        .run = options->run,
        .retries = options->retries,
        .backoff_initial_ms = options->backoff_initial_ms,
        .backoff_factor = options->backoff_factor,
        .backoff_max_ms = options->backoff_max_ms,
    };
    return status == CLEAT_OK ? cleat__policy_from_options(&same, policy) : status;
}

cleat_status cleat_step_run(cleat_task *task, const cleat_step_options *options, cleat_slice *output)
{
    cleat__invocation *it;
    cleat_step_options known;
    cleat__policy policy;
    if (output != NULL) {
        *output = (cleat_slice){NULL, 0};
    }
    cleat_status status = cleat__invocation_enter(task, "cleat_step_run", &it);
    if (status != CLEAT_OK) {
        return status;
    }
    status = cleat__options_read("CLEAT_STEP_OPTIONS", options, &known, sizeof(known));
    if (status == CLEAT_OK) {
        status = cleat__invocation_check_given(it, check_step(&known, &policy));
    }
    if (status == CLEAT_OK) {
        status = run_step(it, &known, &policy, output);
    }
    return cleat__invocation_leave(it, status);
}
