/* The command `cleat`: a table of verbs. */
#include "message.h"
#include "verb.h"

static const cleat__verb verbs[] = {
    {"serve", "run the engine for other processes", cleat__verb_serve},
    {"demo", "fan out over real files, traced by parent and by link", cleat__verb_demo},
    {"run", "start a run of a task", cleat__verb_run},
    {"push", "push an event", cleat__verb_push},
    {"runs", "list, show, cancel and replay runs", cleat__verb_runs},
    {"workflows", "pause workflows and let them go on", cleat__verb_workflows},
    {"schedule", "list, make and delete runs at a time and crons", cleat__verb_schedule},
    {"limits", "list, make and delete rate limits", cleat__verb_limits},
    {"hook", "resume workflows that wait for somebody", cleat__verb_hook},
    {"traces", "list and show traces", cleat__verb_traces},
    {"backup", "copy the database while it is in use", cleat__verb_backup},
    {"check", "look whether all in the database is as it must be", cleat__verb_check},
    {"export", "write all that is in the database as lines of JSON", cleat__verb_export},
    {"import", "read such lines into a database", cleat__verb_import},
    {"token", "make, list and revoke tokens for a server", cleat__verb_token},
    {"version", "what this is", cleat__verb_version},
};

int main(int argc, char **argv)
{
    cleat__cli cli = {.program = argc > 0 ? argv[0] : "cleat"};
    char version[] = "version";
    cleat__begin_output();
    cleat__terminal_init(&cli.terminal, 1);
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        argv[1] = version;
    }
    return cleat__verbs_run("", verbs, sizeof(verbs) / sizeof(*verbs), &cli, argc - 1, argv + 1);
}
