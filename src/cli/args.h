/*
 * Command lines. Each verb describes itself in one cleat__usage; parsing, --help and the messages
 * about mistakes follow from it.
 */
#ifndef CLEAT_CLI_ARGS_H
#define CLEAT_CLI_ARGS_H

#include <cleat/status.h>

/* The answer of cleat__args_parse() when there is work to do. */
enum { CLEAT__ARGS_GO = -1 };

typedef enum cleat__option_type {
    CLEAT__OPTION_FLAG,   /* bool */
    CLEAT__OPTION_TEXT,   /* const char *; not empty */
    CLEAT__OPTION_NUMBER, /* int64_t, min .. max */
} cleat__option_type;

typedef struct cleat__option {
    cleat__option_type type;
    const char *name;  /* without "--" */
    const char *value; /* what help calls its value; NULL for a flag */
    const char *help;
    void *target; /* untouched when the option is not given */
    int64_t min, max;
} cleat__option;

#define CLEAT__FLAG(name, target, help)                    \
    {                                                      \
        CLEAT__OPTION_FLAG, name, NULL, help, target, 0, 0 \
    }
#define CLEAT__TEXT(name, value, target, help)              \
    {                                                       \
        CLEAT__OPTION_TEXT, name, value, help, target, 0, 0 \
    }
#define CLEAT__NUMBER(name, value, target, min, max, help)        \
    {                                                             \
        CLEAT__OPTION_NUMBER, name, value, help, target, min, max \
    }

/* Of every verb that looks into a database. */
#define CLEAT__OPTION_DB(target) \
    CLEAT__TEXT("db", "FILE", target, "database; default $CLEAT_DB, else ./cleat.db")
#define CLEAT__OPTION_JSON(target) CLEAT__FLAG("json", target, "one JSON document instead of text")

typedef struct cleat__usage {
    const char *verb;     /* "traces show" */
    const char *operands; /* "ID", "[DIR]"; "" for none */
    const char *summary;  /* one sentence */
    const char *more;     /* further paragraphs of help, ending in a newline; NULL: none */
    int min_operands, max_operands;
    const char *surplus; /* what may have been meant by one operand too many; NULL: nobody knows */
    const cleat__option *options;
    int option_count;
} cleat__usage;

#define CLEAT__OPERANDS_MAX 2

/* `argv` begins behind the verb. Fills `operands` with NULL behind the last. CLEAT__ARGS_GO, or the
 * exit code: 0 after --help, 2 after a mistake, which has been reported. */
int cleat__args_parse(const cleat__usage *usage, int argc, char **argv,
                      const char *operands[CLEAT__OPERANDS_MAX]);

#endif
