#include "support/sdk_remote.h"

#include "base/clock.h"
#include "server/server.h"
#include "server/token_issue.h"
#include "support/grpc_suppressions.h"

#include <stdio.h>

/* The server of the client that is open: the suite has one at a time. */
static cleat__server *server;

static cleat_status issue(const char *database, const char *url, cleat__token_issued *out)
{
    const cleat__token_request request = {
        .tenant = "default",
        .lifetime_ms = 3600000,
        .server_url = url,
        .grpc_address = cleat__server_grpc_address(server),
        .now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS,
    };
    cleat__store *store = NULL;
    cleat_status status = cleat__store_open(database, CLEAT__STORE_SHARE, &store);
    if (status == CLEAT_OK) {
        status = cleat__token_issue(store, &request, out);
    }
    cleat__store_close(store);
    return status;
}

/* All there is to know is in the token. */
cleat_status sdk_remote_open(const char *database, cleat_client **out)
{
    const cleat__server_options options = {
        .database = database, .grpc_address = "127.0.0.1:0", .http_address = "127.0.0.1:0"};
    cleat__token_issued token = {0};
    char url[100];
    grpc_suppressions_use();
    cleat_status status = cleat__server_start(&options, &server);
    if (status != CLEAT_OK) {
        return status;
    }
    (void)snprintf(url, sizeof(url), "http://%s", cleat__server_http_address(server));
    status = issue(database, url, &token);
    if (status == CLEAT_OK) {
        status = cleat_client_new(CLEAT_CLIENT_OPTIONS(.token = token.text, .tls_strategy = "none"), out);
    }
    cleat__token_issued_deinit(&token);
    if (status != CLEAT_OK) {
        cleat__server_stop(server, 0);
    }
    return status;
}

void sdk_remote_close(cleat_client *client)
{
    cleat_client_free(client);
    cleat__server_stop(server, 300000);
}
