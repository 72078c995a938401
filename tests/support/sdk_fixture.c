#include "support/sdk_fixture.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

void sdk_reopen(sdk_fixture *it)
{
    assert_ok(cleat_client_new(CLEAT_CLIENT_OPTIONS(.database = it->dir.database), &it->client));
}

int sdk_set_up(void **state)
{
    sdk_fixture *it = calloc(1, sizeof *it);
    assert_non_null(it);
    temp_dir_make(&it->dir);
    sdk_reopen(it);
    *state = it;
    return 0;
}

void sdk_close(sdk_fixture *it)
{
    sdk_stop(it);
    cleat_instrumentor_free(it->instrumentor);
    it->instrumentor = NULL;
    cleat_client_free(it->client);
    it->client = NULL;
}

int sdk_tear_down(void **state)
{
    sdk_fixture *it = *state;
    sdk_close(it);
    cleat_tracer_provider_free(it->provider);
    temp_dir_remove(&it->dir);
    free(it);
    return 0;
}

void sdk_trace(sdk_fixture *it, const cleat_instrumentor_options *options, cleat_sampler *sampler)
{
    cleat_span_processor *processor = NULL;
    cleat_instrumentor_options known = *CLEAT_INSTRUMENTOR_OPTIONS(.provider = NULL);
    if (options != NULL) {
        known = *options;
    }
    if (it->provider == NULL) {
        sampler = sampler != NULL ? sampler : cleat_sampler_always_on();
        assert_ok(
            cleat_tracer_provider_new(CLEAT_TRACER_PROVIDER_OPTIONS(.sampler = sampler), &it->provider));
        assert_ok(cleat_memory_exporter_new(&it->spans));
        assert_ok(cleat_simple_processor_new(it->spans, &processor));
        assert_ok(cleat_tracer_provider_add_processor(it->provider, processor));
        it->tracer = cleat_tracer_provider_get_tracer(it->provider, "test", NULL);
    }
    known.provider = it->provider;
    known.collector = CLEAT_SWITCH_OFF;
    assert_ok(cleat_instrumentor_new(it->client, &known, &it->instrumentor));
}

void sdk_add_task(sdk_fixture *it, const cleat_task_options *task)
{
    if (it->worker == NULL) {
        assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 4), &it->worker));
    }
    assert_ok(cleat_worker_add_task(it->worker, task));
}

void sdk_start(sdk_fixture *it)
{
    assert_ok(cleat_worker_start(it->worker));
}

void sdk_stop(sdk_fixture *it)
{
    cleat_worker_free(it->worker);
    it->worker = NULL;
}

static void check_result(cleat_run_result *result, cleat_run_status status, const char *text)
{
    const char *found = result->status == CLEAT_RUN_COMPLETED ? result->output : result->error;
    if (result->status != status || (text != NULL && (found == NULL || strcmp(found, text) != 0))) {
        fail_msg("the run %s: %s", cleat_run_status_name(result->status),
                 found != NULL ? found : "(nothing)");
    }
    cleat_run_result_deinit(result);
}

void sdk_run(sdk_fixture *it, const char *task, const char *input, const cleat_run_options *options,
             cleat_run_status status, const char *text)
{
    cleat_run_result result = {0};
    assert_ok(cleat_client_run(it->client, task, input, options, &result));
    check_result(&result, status, text);
}

void sdk_wait(sdk_fixture *it, const cleat_run_id *id, cleat_run_status status, const char *text)
{
    cleat_run_result result = {0};
    assert_ok(cleat_client_wait(it->client, id, 300000, &result));
    check_result(&result, status, text);
}
