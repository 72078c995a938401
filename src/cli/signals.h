/* SIGINT and SIGTERM, for verbs that serve until they come. */
#ifndef CLEAT_CLI_SIGNALS_H
#define CLEAT_CLI_SIGNALS_H

#include <signal.h>
#include <stddef.h>

/* Before there are threads, and before anybody is told that there is something to end. */
sigset_t cleat__signals_hold(void);
/* Waits for one of them. The second signal ends the process as usual. */
void cleat__signals_wait(const sigset_t *set);

#endif
