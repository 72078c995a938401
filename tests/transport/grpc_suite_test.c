/* What every transport does, over gRPC to a server in this process; and what only a server can do. */
#include "support/transport_suite.h"

#include "base/alloc.h"
#include "server/server.h"
#include "support/grpc_suppressions.h"
#include "support/mock_engine.h"
#include "transport/grpc.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

/* The server of the transport that is open, and how that is freed: the suite has one at a time. */
static cleat__server *server;
static void (*free_transport)(cleat__transport *self);

static void free_both(cleat__transport *self)
{
    free_transport(self);
    cleat__server_stop(server, 300000);
}

static cleat_status open_remote(const char *database, cleat__transport **out)
{
    cleat__remote_settings settings;
    const cleat__server_options options = {
        .database = database, .grpc_address = "127.0.0.1:0", .http_address = "127.0.0.1:0", .is_open = true};
    grpc_suppressions_use();
    cleat_status status = cleat__server_start(&options, &server);
    if (status != CLEAT_OK) {
        return status;
    }
    char *token = mock_token(cleat__server_grpc_address(server));
    status =
        cleat__remote_settings_read(CLEAT_CLIENT_OPTIONS(.token = token, .tls_strategy = "none"), &settings);
    free(token);
    if (status == CLEAT_OK) {
        cleat__buffer url = {0};
        cleat__buffer_append_format(&url, "http://%s", cleat__server_http_address(server));
        cleat__free(settings.api_url);
        settings.api_url = cleat__buffer_take_string(&url);
        status = cleat__transport_grpc_new(&settings, out);
    }
    if (status != CLEAT_OK) {
        cleat__server_stop(server, 0);
        return status;
    }
    free_transport = (*out)->free;
    (*out)->free = free_both;
    return CLEAT_OK;
}

int main(void)
{
    static const transport_target target = {"grpc", open_remote};
    return transport_suite_run(&target) + transport_durable_run(&target);
}
