#include "run_change.h"

int cleat__verb_runs_replay(const cleat__cli *cli, int argc, char **argv)
{
    static const cleat__run_change change = {
        .verb = "runs replay",
        .summary = "Runs a run again that has ended, under its id and with its input; a workflow\n"
                   "goes on from its log. The program that works on the file takes it when it is\n"
                   "started again: no other process may have the file open.",
        .path = "replay",
        .past = "queued again:",
        .status = "QUEUED",
        .make = cleat_client_replay,
    };
    (void)cli;
    return cleat__run_change_verb(&change, argc, argv);
}
