/*
 * bare_host PLUGIN: a program that knows nothing of tracing loads an instrumented library, uses it
 * from a thread and unloads it before that thread ends.
 */
#include "plugin.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static bool (*work)(void);
static pthread_barrier_t barrier;

static void *run(void *recorded)
{
    *(bool *)recorded = work();
    pthread_barrier_wait(&barrier); /* used */
    pthread_barrier_wait(&barrier); /* unloaded */
    return NULL;
}

int main(int argc, char **argv)
{
    void *plugin = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    void *function = plugin != NULL ? dlsym(plugin, "plugin_work") : NULL;
    if (function == NULL) {
        fprintf(stderr, "bare_host: %s\n", argc == 2 ? dlerror() : "usage: bare_host PLUGIN");
        return 2;
    }
    memcpy(&work, &function, sizeof(work));

    pthread_t thread;
    bool recorded = true;
    pthread_barrier_init(&barrier, NULL, 2);
    if (pthread_create(&thread, NULL, run, &recorded) != 0) {
        return 2;
    }
    pthread_barrier_wait(&barrier);
    dlclose(plugin);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    if (recorded) {
        fprintf(stderr, "bare_host: a span was recorded, by what?\n");
        return 1;
    }
    return 0;
}
