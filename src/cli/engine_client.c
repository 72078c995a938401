#include "engine_client.h"

#include "database.h"
#include "message.h"
#include "transport/settings.h"

bool cleat__engine_is_remote(const char *db)
{
    return db == NULL && cleat__remote_is_configured(CLEAT_CLIENT_OPTIONS(.database = NULL));
}

/* To change something is no reason to make a file. */
static int check_file(const char *db)
{
    cleat__store *store = NULL;
    int code = cleat__database_open(db, &store);
    cleat__store_close(store);
    return code;
}

int cleat__engine_client(const char *db, const char *asked, cleat_client **out)
{
    /* What its owner keeps is not this verb's business. */
    cleat_client_options options =
        *CLEAT_CLIENT_OPTIONS(.database = db, .run_retention_ms = -1, .trace_retention_ms = -1,
                              .trace_retention_bytes = -1);
    if (!cleat__engine_is_remote(db)) {
        int code = check_file(db);
        if (code != CLEAT__EXIT_OK) {
            return code;
        }
        options.database = cleat__database_path(db);
    }
    cleat_status status = cleat_client_new(&options, out);
    if (status == CLEAT_BUSY) {
        return cleat__complain("%s; a server is asked with a token in HATCHET_CLIENT_TOKEN, or by %s",
                               cleat_error_message(), asked);
    }
    return status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
}
