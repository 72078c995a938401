/* A workflow waits; the command shows what for, and resumes it; the workflow goes on. */
#include "support/workflow_suite.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static cleat_status open_embedded(const char *database, cleat_client **out)
{
    return cleat_client_new(CLEAT_CLIENT_OPTIONS(.database = database), out);
}

static const sdk_target embedded = {"embedded", open_embedded, cleat_client_free};

static int set_up(void **state)
{
    workflow_use(&embedded);
    return workflow_set_up(state);
}

static cleat_status approval(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    cleat_hook hook;
    cleat_slice payload;
    cleat_status status = cleat_hook_create(task, "order-7", &hook);
    gate_add(&it->calls);
    if (status == CLEAT_OK) {
        status = cleat_hook_wait(task, &hook, "24h", &payload);
    }
    return status == CLEAT_OK ? cleat_task_return_format(task, "%.*s", CLEAT_SLICE_ARGS(payload)) : status;
}

/* Exit code; output and errors of the command are in `text`. */
static int command(workflow_fixture *it, const char *words)
{
    char line[1000];
    (void)snprintf(line, sizeof(line), "\"$CLEAT\" %s --db '%s' 2>&1", words, it->dir.database);
    FILE *output = popen(line, "r");
    assert_non_null(output);
    it->text[fread(it->text, 1, sizeof(it->text) - 1, output)] = '\0';
    return pclose(output) / 256;
}

static void expect(workflow_fixture *it, const char *words, int code, const char *part)
{
    int found = command(it, words);
    if (found != code || strstr(it->text, part) == NULL) {
        fail_msg("cleat %s: %d, %s, instead of %d, .. %s ..", words, found, it->text, code, part);
    }
}

static void test_a_run_waits_and_is_resumed(void **state)
{
    workflow_fixture *it = *state;
    char words[100];
    workflow_add(it, "approval", approval);
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "approval", NULL);
    gate_wait(&it->calls, 1);
    workflow_stop(it);
    expect(it, "hook resume order-7 true", 1, "HATCHET_CLIENT_TOKEN"); /* this process has the file */
    cleat_client_free(it->client);
    it->client = NULL;
    (void)snprintf(words, sizeof(words), "runs show %s", id.text);
    expect(it, words, 0, "EVICTED");
    expect(it, words, 0, "waits for");
    expect(it, words, 0, "cleat_hook_wait() waits for");
    expect(it, words, 0, "hook ord...");
    (void)snprintf(words, sizeof(words), "runs show %s --json", id.text);
    expect(it, words, 0, "\"waits_for\":[\"hook ord...");
    expect(it, words, 0, "\"evict_reason\":\"cleat_");
    expect(it, "runs ls --status evicted", 0, "approval");
    expect(it, "hook resume order-8 true", 1, "there is no hook with the token ord...");
    expect(it, "hook resume order-7 nonsense", 1, "payload");
    expect(it, "hook resume order-7 true --tenant nobody", 1, "there is no tenant");
    (void)snprintf(words, sizeof(words), "{\"run_id\":\"%s\"}", id.text);
    expect(it, "hook resume order-7 '{\"by\":\"Ada\"}' --tenant default --json", 0, words);
    assert_ok(open_embedded(it->dir.database, &it->client));
    workflow_add(it, "approval", approval);
    workflow_start(it);
    workflow_ends(it, &id, CLEAT_RUN_COMPLETED, "{\"by\":\"Ada\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_run_waits_and_is_resumed, set_up, workflow_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
