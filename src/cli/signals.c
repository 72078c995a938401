#include "signals.h"

sigset_t cleat__signals_hold(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return set;
}

void cleat__signals_wait(const sigset_t *set)
{
    int signal = 0;
    while (sigwait(set, &signal) != 0) {
    }
    pthread_sigmask(SIG_UNBLOCK, set, NULL);
}
