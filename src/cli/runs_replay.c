#include "run_change.h"

int cleat__verb_runs_replay(const cleat__cli *cli, int argc, char **argv)
{
    static const cleat__run_change change = {
        .verb = "runs replay",
        .summary = "Runs a run again that has ended, or those that the options choose, under its id\n"
                   "and with its input; a workflow goes on from its log. The program that works on a\n"
                   "file takes it when it is started again: no other process may have the file open.",
        .path = "replay",
        .past = "queued again:",
        .status = "QUEUED",
        .make = cleat_client_replay,
        .make_many = cleat_client_replay_many,
        .enough = 1,
        .is_of_ended = true,
    };
    (void)cli;
    return cleat__run_change_verb(&change, argc, argv);
}
