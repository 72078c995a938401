#include "transport/embedded_reader.h"

#include "base/alloc.h"
#include "base/error.h"
#include "transport/embedded_workflows.h"

#include <sqlite3.h>

static cleat_status find_path(cleat__store *store, void *argument)
{
    char **path = argument;
    *path = cleat__strdup(sqlite3_db_filename(cleat__store_db(store), "main"));
    return *path != NULL ? CLEAT_OK : cleat__fail_memory();
}

cleat_status cleat__embedded_open_reader(cleat__engine *engine, cleat__store **out)
{
    char *path = NULL;
    *out = NULL;
    cleat_status status = cleat__engine_call(engine, find_path, &path);
    if (status == CLEAT_OK) {
        status = cleat__store_open(path, CLEAT__STORE_READ, out);
    }
    cleat__free(path);
    return status;
}

cleat_status cleat__embedded_begin_reader(cleat__engine *engine, cleat__store **out)
{
    cleat_status status = cleat__embedded_open_reader(engine, out);
    return status == CLEAT_OK ? cleat__store_begin(*out) : status;
}

cleat_status cleat__embedded_find_workflows(cleat__store *store, int64_t tenant, const cleat_slice *workflows,
                                            size_t count, cleat__uuid **out)
{
    *out = cleat__calloc(count + 1, sizeof(**out));
    cleat_status status = *out != NULL ? CLEAT_OK : cleat__fail_memory();
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = cleat__embedded_workflow_find(store, tenant, workflows[i], &(*out)[i]);
    }
    return status;
}

cleat_status cleat__embedded_texts(const char *const *texts, size_t count, json_t **out)
{
    *out = count != 0 ? json_array() : NULL;
    for (size_t i = 0; i < count; i++) {
        if (json_array_append_new(*out, json_string(texts[i])) != 0) {
            return cleat__fail_memory();
        }
    }
    return CLEAT_OK;
}
