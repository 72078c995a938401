/* Who speaks of a run's slot and timeout where the request does not say it: as far as the connection tells. */
#include "server/service_test.h"

/* A run that the one worker has who listens over a connection of its own; another one listens here. */
typedef struct scene {
    id_text run;
    rpc_stream *holder, *other;
} scene;

static rpc_client *connect_again(const service_world *it)
{
    return rpc_client_new(cleat__server_grpc_address(it->server), (rpc_client_options){0});
}

static scene set_scene(service_world *it, rpc_client *there)
{
    rpc_client *here = it->client;
    scene made;
    declare(it, (task_declaration){.name = "held"});
    it->client = there;
    made.holder = stay_as(it, register_worker(it, "held", 1));
    made.run = trigger(it, "held", "{}");
    cleat__message_free(next_action(made.holder));
    it->client = here;
    made.other = stay_as(it, register_worker(it, "held", 1));
    rpc_accepted(made.other);
    return made;
}

static void end_scene(service_world *it, rpc_client *here, rpc_client *there, scene *made)
{
    it->client = here;
    stop_listening(made->other);
    stop_listening(made->holder);
    rpc_client_free(there);
}

static void prolong(service_world *it, id_text run)
{
    Cleat__RefreshTimeoutRequest request = CLEAT__REFRESH_TIMEOUT_REQUEST__INIT;
    request.task_run_external_id = run.text;
    request.increment_timeout_by = text_("1h");
    cleat__message_free(
        ask(it, "/Dispatcher/RefreshTimeout", &request.base, &cleat__refresh_timeout_response__descriptor));
}

static void release_slot(service_world *it, id_text run)
{
    Cleat__ReleaseSlotRequest request = CLEAT__RELEASE_SLOT_REQUEST__INIT;
    request.task_run_external_id = run.text;
    cleat__message_free(
        ask(it, "/Dispatcher/ReleaseSlot", &request.base, &cleat__release_slot_response__descriptor));
}

static void who_has_lost_a_run_has_no_say_in_it(void **state)
{
    service_world *it = *state;
    rpc_client *here = it->client, *there = connect_again(it);
    scene made = set_scene(it, there);
    Cleat__RefreshTimeoutRequest refresh = CLEAT__REFRESH_TIMEOUT_REQUEST__INIT;
    Cleat__ReleaseSlotRequest release = CLEAT__RELEASE_SLOT_REQUEST__INIT;
    refresh.task_run_external_id = release.task_run_external_id = made.run.text;
    refresh.increment_timeout_by = text_("1h");
    refused(it, "/Dispatcher/RefreshTimeout", &refresh.base, GRPC_STATUS_NOT_FOUND, "another worker");
    refused(it, "/Dispatcher/ReleaseSlot", &release.base, GRPC_STATUS_NOT_FOUND, "another worker");
    it->client = there;
    prolong(it, made.run);
    release_slot(it, made.run);
    end_scene(it, here, there, &made);
}

/* A connection of its own for calls, or one of several workers: nobody knows who it is. */
static void who_is_not_known_is_believed(void **state)
{
    service_world *it = *state;
    rpc_client *here = it->client, *there = connect_again(it), *third = connect_again(it);
    scene made = set_scene(it, there);
    it->client = third;
    prolong(it, made.run);
    it->client = here;
    rpc_stream *beside = stay_as(it, register_worker(it, "held", 1));
    rpc_accepted(beside);
    prolong(it, made.run);
    release_slot(it, made.run);
    stop_listening(beside);
    prolong(it, made.run); /* who shared the connection may have it yet */
    rpc_client_free(third);
    end_scene(it, here, there, &made);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_start, world_stop)
    const struct CMUnitTest tests[] = {
        TEST(who_has_lost_a_run_has_no_say_in_it),
        TEST(who_is_not_known_is_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
