#define _GNU_SOURCE /* O_CLOEXEC */
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

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

static volatile sig_atomic_t has_come;
static volatile sig_atomic_t input_file = -1, nothing = -1;

/* Whoever waits is interrupted; whoever is about to wait would not be. */
static void note(int number)
{
    int former = errno;
    (void)number;
    has_come = 1;
    (void)signal(SIGINT, SIG_DFL); /* the second one ends the process, whichever comes */
    (void)signal(SIGTERM, SIG_DFL);
    if (nothing >= 0) {
        (void)dup2(nothing, input_file);
    }
    errno = former;
}

void cleat__signals_note(int input)
{
    const struct sigaction action = {.sa_handler = note};
    input_file = input;
    nothing = input >= 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

bool cleat__signals_came(void)
{
    return has_come != 0;
}
