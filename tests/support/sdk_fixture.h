/* A client on a file of its own, with a worker and, where asked for, traces in memory. */
#ifndef CLEAT_TESTS_SDK_FIXTURE_H
#define CLEAT_TESTS_SDK_FIXTURE_H

#include <cleat/cleat.h>

#include "support/outcome.h"
#include "support/temp_dir.h"

typedef struct sdk_fixture {
    temp_dir dir;
    cleat_client *client;
    cleat_worker *worker; /* NULL until the first task is added */
    cleat_tracer_provider *provider;
    cleat_span_exporter *spans; /* every span as it ends */
    cleat_instrumentor *instrumentor;
    cleat_tracer *tracer; /* of the test's own, on the same provider */
} sdk_fixture;

/* For cmocka: *state is the fixture. */
int sdk_set_up(void **state);
int sdk_tear_down(void **state);

/* Opens the client again on the same file; worker and instrumentor must be gone. */
void sdk_reopen(sdk_fixture *fixture);
void sdk_close(sdk_fixture *fixture);

/*
 * Instruments the client with spans into memory; `options` may be NULL, its provider and collector
 * are set here. `sampler` (consumed) NULL: everything.
 */
void sdk_trace(sdk_fixture *fixture, const cleat_instrumentor_options *options, cleat_sampler *sampler);

/* Declares a task on the fixture's worker, which has 4 slots. */
void sdk_add_task(sdk_fixture *fixture, const cleat_task_options *task);
void sdk_start(sdk_fixture *fixture);
void sdk_stop(sdk_fixture *fixture); /* stops and frees the worker */

/* Runs a task and checks how it ended; `text` is its output or error, NULL: whatever. */
void sdk_run(sdk_fixture *fixture, const char *task, const char *input, const cleat_run_options *options,
             cleat_run_status status, const char *text);
/* Waits for a run that was started. */
void sdk_wait(sdk_fixture *fixture, const cleat_run_id *id, cleat_run_status status, const char *text);

#endif
