#include "engine_client.h"

#include "database.h"
#include "message.h"
#include "sdk/client.h"
#include "transport/settings.h"

bool cleat__engine_is_remote(const char *db)
{
    return db == NULL && cleat__remote_is_configured(CLEAT_CLIENT_OPTIONS(.database = NULL));
}

/* To change something is no reason to make a file. */
static int look(const cleat__engine_choice *choice, int64_t *tenant)
{
    cleat__store *store = NULL;
    int code = cleat__database_open(choice->db, &store);
    if (code == CLEAT__EXIT_OK) {
        code = cleat__database_find_tenant(store, choice->tenant, CLEAT__TENANT_DEFAULT, tenant);
    }
    cleat__store_close(store);
    return code;
}

static int check_tenant(const cleat__engine_choice *choice)
{
    return choice->tenant != NULL && cleat__engine_is_remote(choice->db)
               ? cleat__complain_usage(choice->verb, "--tenant is for files: a server's is that of the token")
               : CLEAT__EXIT_OK;
}

int cleat__engine_client(const cleat__engine_choice *choice, cleat_client **out)
{
    /* What its owner keeps is not this verb's business. */
    cleat_client_options options =
        *CLEAT_CLIENT_OPTIONS(.database = choice->db, .run_retention_ms = -1, .trace_retention_ms = -1,
                              .trace_retention_bytes = -1);
    int64_t tenant = CLEAT__TENANT_DEFAULT;
    int code = check_tenant(choice);
    if (code == CLEAT__EXIT_OK && !cleat__engine_is_remote(choice->db)) {
        code = look(choice, &tenant);
        options.database = cleat__database_path(choice->db);
    }
    if (code != CLEAT__EXIT_OK) {
        return code;
    }
    cleat_status status = cleat__client_new_for(tenant, &options, out);
    if (status == CLEAT_BUSY) {
        return cleat__complain("%s; a server is asked with a token in HATCHET_CLIENT_TOKEN, or by %s",
                               cleat_error_message(), choice->asked);
    }
    return status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
}
