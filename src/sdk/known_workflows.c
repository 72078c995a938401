#include "sdk/client.h"

#include "base/alloc.h"
#include "base/error.h"

/* The key stands behind the machine name, in one block. */
typedef struct known_workflow {
    char *action;
    char machine_name[];
} known_workflow;

static known_workflow *known_new(const char *action, const char *machine_name)
{
    size_t name_size = strlen(machine_name) + 1, action_size = strlen(action) + 1;
    known_workflow *known = cleat__malloc(sizeof *known + name_size + action_size);
    if (known != NULL) {
        memcpy(known->machine_name, machine_name, name_size);
        known->action = known->machine_name + name_size;
        memcpy(known->action, action, action_size);
    }
    return known;
}

void cleat__client_init_known(cleat_client *client)
{
    pthread_mutex_init(&client->known_mutex, NULL);
}

void cleat__client_deinit_known(cleat_client *client)
{
    size_t cursor = 0;
    known_workflow *known;
    while ((known = cleat__map_next(&client->known_workflows, &cursor)) != NULL) {
        cleat__free(known);
    }
    cleat__map_deinit(&client->known_workflows);
    pthread_mutex_destroy(&client->known_mutex);
}

/* The first name stays: others may have been given it. */
cleat_status cleat__client_know_workflow(cleat_client *client, const char *action, const char *machine_name)
{
    known_workflow *known = known_new(action, machine_name);
    if (known == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = CLEAT_OK;
    pthread_mutex_lock(&client->known_mutex);
    if (cleat__map_get(&client->known_workflows, cleat_slice_of(action)) == NULL) {
        status = cleat__map_put(&client->known_workflows, cleat_slice_of(known->action), known);
        known = status == CLEAT_OK ? NULL : known;
    }
    pthread_mutex_unlock(&client->known_mutex);
    cleat__free(known);
    return status == CLEAT_OK ? CLEAT_OK : cleat__fail_memory();
}

const char *cleat__client_known_workflow(cleat_client *client, const char *action)
{
    pthread_mutex_lock(&client->known_mutex);
    const known_workflow *known = cleat__map_get(&client->known_workflows, cleat_slice_of(action));
    pthread_mutex_unlock(&client->known_mutex);
    return known != NULL ? known->machine_name : NULL;
}
