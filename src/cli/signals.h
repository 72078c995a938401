/* SIGINT and SIGTERM, for verbs that serve until they come, or have something to remove then. */
#ifndef CLEAT_CLI_SIGNALS_H
#define CLEAT_CLI_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/* Before there are threads, and before anybody is told that there is something to end. */
sigset_t cleat__signals_hold(void);
/* Waits for one of them. The second signal ends the process as usual. */
void cleat__signals_wait(const sigset_t *set);

/* From now on they only make cleat__signals_came() true, and there is no more to be read of the file `input`, also by
 * who waits for it; -1: no file. The second one ends the process as usual. */
void cleat__signals_note(int input);
bool cleat__signals_came(void);

#endif
