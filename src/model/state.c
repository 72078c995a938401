#include "model/state.h"

#define STATE_COUNT 7

enum {
    QUEUED = CLEAT_RUN_QUEUED,
    RUNNING = CLEAT_RUN_RUNNING,
    COMPLETED = CLEAT_RUN_COMPLETED,
    FAILED = CLEAT_RUN_FAILED,
    CANCELLED = CLEAT_RUN_CANCELLED,
    EVICTED = CLEAT_RUN_EVICTED,
    IGNORED = CLEAT__STATE_IGNORED,
    REFUSED = CLEAT__STATE_REFUSED,
};

/* Column 0 is CLEAT__STATE_NONE. */
static const signed char table[CLEAT__EVENT_COUNT][STATE_COUNT] = {
#define ROW(event, none, queued, running, completed, failed, cancelled, evicted) \
    {none, queued, running, completed, failed, cancelled, evicted},
    CLEAT__STATE_TABLE(ROW)
#undef ROW
};

int cleat__state_next(int state, cleat__event event)
{
    return table[event][state + 1];
}

const char *cleat__event_name(cleat__event event)
{
    static const char *const names[] = {
#define NAME(event, none, queued, running, completed, failed, cancelled, evicted) #event,
        CLEAT__STATE_TABLE(NAME)
#undef NAME
    };
    return names[event];
}

const char *cleat__state_name(int state)
{
    switch (state) {
    case CLEAT__STATE_NONE: return "NONE";
    case CLEAT__STATE_IGNORED: return "IGNORED";
    case CLEAT__STATE_REFUSED: return "REFUSED";
    default: return cleat_run_status_name((cleat_run_status)state);
    }
}
