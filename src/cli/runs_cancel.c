#include "run_change.h"

int cleat__verb_runs_cancel(const cleat__cli *cli, int argc, char **argv)
{
    static const cleat__run_change change = {
        .verb = "runs cancel",
        .summary = "Cancels a run that has not ended, or those that the options choose; of a\n"
                   "workflow that has gone on as a new run, that one. No other process may have the\n"
                   "file open.",
        .path = "cancel",
        .past = "cancelled",
        .status = "CANCELLED",
        .follows = true,
        .make = cleat_client_cancel,
        .make_many = cleat_client_cancel_many,
        .enough = CLEAT_CANCEL_MANY_MAX,
    };
    (void)cli;
    return cleat__run_change_verb(&change, argc, argv);
}
