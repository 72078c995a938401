#include "viewer.h"

#include "base/alloc.h"
#include "base/error.h"
#include "http_server.h"
#include "store/tenant.h"
#include "ui.h"

#include <stdio.h>

struct cleat__viewer {
    cleat__identity identity; /* of everybody */
    cleat__readers *readers;
    cleat__ui *ui;
    cleat__http_table table; /* borrowed by the HTTP server */
    cleat__http_server *http;
};

static cleat_status authenticate(void *self, cleat_slice token, cleat__identity *out)
{
    (void)token;
    *out = ((const cleat__viewer *)self)->identity;
    return CLEAT_OK;
}

/* Also sees that there is such a file, and that it can be read. */
static cleat_status read_tenant(const cleat__viewer_options *options, cleat__identity *out)
{
    cleat__store *store = NULL;
    cleat__tenant tenant = {.id = 0};
    cleat_status status = cleat__store_open(options->database, CLEAT__STORE_READ, &store);
    if (status == CLEAT_OK) {
        status = cleat__tenant_get(store, options->tenant, &tenant);
    }
    cleat__store_close(store);
    out->tenant = tenant.id;
    out->tenant_id = tenant.uuid;
    return status;
}

static cleat_status serve(cleat__viewer *self, const cleat__viewer_options *options)
{
    char address[32];
    snprintf(address, sizeof(address), "127.0.0.1:%u", options->port);
    self->table = cleat__ui_table(self->ui);
    const cleat__http_options http = {
        .address = address,
        .tables = &self->table,
        .table_count = 1,
        .authenticate = authenticate,
        .authenticate_self = self,
        .is_open = true,
    };
    return cleat__http_server_start(&http, &self->http);
}

cleat_status cleat__viewer_start(const cleat__viewer_options *options, cleat__viewer **out)
{
    cleat__viewer *self = cleat__calloc(1, sizeof(*self));
    *out = NULL;
    if (self == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = read_tenant(options, &self->identity);
    if (status == CLEAT_OK) {
        status = cleat__readers_new(options->database, &self->readers);
    }
    if (status == CLEAT_OK) {
        status = cleat__readers_pin(self->readers); /* people make such files anew */
    }
    if (status == CLEAT_OK) {
        status = cleat__ui_new(&(cleat__ui_options){.readers = self->readers}, &self->ui);
    }
    if (status == CLEAT_OK) {
        status = serve(self, options);
    }
    if (status != CLEAT_OK) {
        cleat__viewer_stop(self, 0);
        return status;
    }
    *out = self;
    return CLEAT_OK;
}

const char *cleat__viewer_address(const cleat__viewer *viewer)
{
    return cleat__http_server_address(viewer->http);
}

void cleat__viewer_stop(cleat__viewer *self, int64_t timeout_ms)
{
    if (self == NULL) {
        return;
    }
    if (self->http != NULL) {
        (void)cleat__http_server_stop(self->http, timeout_ms);
    }
    cleat__http_server_free(self->http);
    cleat__ui_free(self->ui);
    cleat__readers_free(self->readers);
    cleat__free(self);
}
