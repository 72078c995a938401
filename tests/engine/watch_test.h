/* Who looks on at runs of a core, by one run or by metadata; and what was told. */
#ifndef CLEAT_TESTS_WATCH_TEST_H
#define CLEAT_TESTS_WATCH_TEST_H

#include "core_test.h"

#include <inttypes.h>

/* Somebody who looks on, and writes down what is told: "+" started, "C"ompleted, "F"ailed, "X" cancelled,
 * "T"imed out, "S"tream with its index, "L"ost; in brackets when it is of the run, "!" for the hangup; the payload. */
typedef struct looker {
    cleat__watch watch;
    char text[4096];
    char shown[4096];
} looker;

static inline void write_down(void *self, const cleat__happening *told)
{
    looker *it = self;
    char *end = it->text + strlen(it->text);
    end +=
        sprintf(end, "%s%s%c", end != it->text ? " " : "", told->is_of_run ? "[" : "", "+CFXTSL"[told->kind]);
    if (told->event_index >= 0) {
        end += sprintf(end, "%" PRId64, told->event_index);
    }
    sprintf(end, "%s%s%.*s", told->is_of_run ? "]" : "", told->hangup ? "!" : "",
            CLEAT_SLICE_ARGS(told->payload));
    assert_true(cleat__uuid_equals(&told->run_id, &told->task_id));
}

/* Since the last call. */
static inline const char *told(looker *it)
{
    memcpy(it->shown, it->text, sizeof(it->shown));
    it->text[0] = '\0';
    return it->shown;
}

static inline cleat_status watch(rig *at, int64_t tenant, looker *it)
{
    it->watch.self = it;
    it->watch.tell = write_down;
    cleat__command command = {.tenant = tenant, .kind = CLEAT__COMMAND_WATCH, .as.watch = &it->watch};
    return ask(at, &command);
}

static inline cleat_status watch_run(rig *at, looker *it, const cleat__uuid *id)
{
    *it = (looker){.watch.run_id = *id};
    return watch(at, CLEAT__TENANT_DEFAULT, it);
}

static inline cleat_status watch_metadata(rig *at, looker *it, const char *key, const char *value)
{
    *it = (looker){.watch = {.key = cleat_slice_of(key), .value = cleat_slice_of(value)}};
    return watch(at, CLEAT__TENANT_DEFAULT, it);
}

static inline void unwatch(rig *at, looker *it)
{
    cleat__command command = {.kind = CLEAT__COMMAND_UNWATCH, .as.watch = &it->watch};
    assert_int_equal(ask(at, &command), CLEAT_OK);
}

static inline cleat__uuid trigger_with(rig *at, const char *metadata)
{
    cleat__uuid id;
    const cleat__trigger item = {.workflow = cleat_slice_of("a"), .metadata = cleat_slice_of(metadata)};
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {&item, 1, &id}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    return id;
}

static inline cleat_status put_stream(rig *at, const cleat__uuid *id, int64_t index, const char *payload)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_PUT_STREAM,
                              .as.put_stream = {*id, index, cleat_slice_of(payload)}};
    return ask(at, &command);
}

#endif
