/*
 * Expressions of CEL (the Common Expression Language, cel.dev) over the JSON of a run: filters of events,
 * conditions, keys of concurrency, units of rate limits. Compiled once, evaluated often:
 *
 *     input.total > 100.0 && has(input.customer) && input.customer.country in ["de", "at"]
 *
 * Values: null, bool, int (64 bits), uint (64 bits, 7u), double, string, bytes (b"..."), list, map, and types.
 *   Numbers of JSON are doubles, as in CEL's own mapping of JSON, and no other type is made of them silently:
 *   `input.count == 3` compares, `input.count + 1.0` adds, `input.count + 1` and `input.count % 2` are errors,
 *   `int(input.count) % 2` is right. Strings are counted and indexed in characters (code points).
 * Operators, loosest first: ?: || && (== != < <= > >= in) (+ -) (* / %) (! -) (. [] call). Numbers of different types
 *   compare by their value; arithmetic wants two of one type. Values of other types are never equal, and have no
 *   order. + joins strings, bytes and lists. Integers that overflow, a division by zero, an index outside its
 *   list and a key that is not there are errors. && and || want one side only: an error of the other side is
 *   forgotten where this side decides, whichever stands first.
 * Macros: has(a.b), list.all(x, p), list.exists(x, p), list.exists_one(x, p), list.map(x, e), list.map(x, p, e),
 *   list.filter(x, p); over a map they go through its keys.
 * Functions: size(x) and x.size(); int(x), uint(x), double(x), string(x), bool(x), bytes(x), dyn(x), type(x);
 *   checksum(string), SHA-256 in hexadecimal; of a string s: s.startsWith(t), s.endsWith(t), s.contains(t),
 *   s.charAt(i), s.indexOf(t), s.indexOf(t, from), s.lastIndexOf(t), s.lastIndexOf(t, from), s.lowerAscii(),
 *   s.upperAscii(), s.replace(old, new), s.replace(old, new, n), s.split(t), s.split(t, n), s.substring(from),
 *   s.substring(from, to), s.trim(); of a list of strings l: l.join(), l.join(separator).
 * Not there: matches(), timestamp(), duration() and messages. A name that is no variable, or a function that is
 *   not there, is found when the expression is compiled. Where it is declared it is also looked at for what its
 *   place does not have: a variable, and a value of the type that is wanted (cleat__expression_check_for()). Other
 *   wrong types are found when it is evaluated.
 *
 * Nothing an expression says runs long: its text, its nesting, the steps of an evaluation (one per operation,
 * per element and per CLEAT__EXPRESSION_STEP_BYTES bytes that are looked at) and the memory of an evaluation
 * are bounded.
 *
 * A compiled expression does not change: any number of threads may evaluate it at once.
 */
#ifndef CLEAT_MODEL_EXPRESSION_H
#define CLEAT_MODEL_EXPRESSION_H

#include <cleat/status.h>

#define CLEAT__EXPRESSION_SIZE_MAX   ((size_t)65536) /* bytes of the text */
#define CLEAT__EXPRESSION_DEPTH_MAX  100             /* brackets, calls and lists in one another */
#define CLEAT__EXPRESSION_HEIGHT_MAX 250 /* operations of which each takes the result of another */
#define CLEAT__EXPRESSION_STEPS_MAX  ((size_t)100000) /* of one evaluation */
#define CLEAT__EXPRESSION_STEP_BYTES ((size_t)128)
#define CLEAT__EXPRESSION_MEMORY_MAX ((size_t)8 << 20) /* bytes that one evaluation makes */
/* What those of one command may take together, where they are evaluated while nobody else is answered: some 2 s at most. There
 * reading JSON counts, too: a step for so many bytes. */
#define CLEAT__EXPRESSIONS_STEPS_MAX       ((size_t)50000000)
#define CLEAT__EXPRESSIONS_STEP_BYTES_READ ((size_t)8)

/*
 * X(name, whether its value is JSON text, else it is the text of a string). Which of them there are depends on
 * the place; one that is not there is an error when it is evaluated.
 */
#define CLEAT__EXPRESSION_VARIABLES(X)                                                                 \
    X(input, true)               /* the run's input; an event's payload where an event is looked at */ \
    X(output, true)              /* what a parent made; the same event where one is waited for */      \
    X(additional_metadata, true) /* */                                                                 \
    X(payload, true)             /* a filter's own payload */                                          \
    X(event_id, false)                                                                                 \
    X(event_key, false)                                                                                \
    X(workflow_run_id, false)                                                                          \
    X(headers, true) /* of the request that a webhook gets */

#define CLEAT__EXPRESSION_ONE(name, is_json) CLEAT__EXPRESSION_INDEX_##name,
enum { CLEAT__EXPRESSION_VARIABLES(CLEAT__EXPRESSION_ONE) CLEAT__EXPRESSION_VARIABLE_COUNT };
#undef CLEAT__EXPRESSION_ONE

struct json_t;
/* What was parsed of some values, for further evaluations with the same ones; zero at first. Of one thread. */
typedef struct cleat__expression_parsed {
    struct json_t *values[CLEAT__EXPRESSION_VARIABLE_COUNT];
} cleat__expression_parsed;
void cleat__expression_parsed_deinit(cleat__expression_parsed *parsed);
/* One of them has another value from now on. */
void cleat__expression_parsed_drop(cleat__expression_parsed *parsed, size_t index);

/* The values, borrowed while the call lasts; {NULL, 0}: not there. JSON is parsed only where it is used. */
typedef struct cleat__expression_variables {
    cleat__expression_parsed *parsed; /* borrowed; NULL: nothing is kept */
    size_t
        *steps; /* borrowed: left for all evaluations together, lowered by each; NULL: no bound but its own */
#define CLEAT__EXPRESSION_MEMBER(name, is_json) cleat_slice name;
    CLEAT__EXPRESSION_VARIABLES(CLEAT__EXPRESSION_MEMBER)
#undef CLEAT__EXPRESSION_MEMBER
} cleat__expression_variables;

typedef struct cleat__expression cleat__expression;

/*
 * CLEAT_INVALID_ARGUMENT: cleat_error_message() says at which character, and what was expected there; also for a
 * text without an expression in it, so where such a text has a meaning it is to be looked at before.
 * CLEAT_TOO_LARGE: longer than CLEAT__EXPRESSION_SIZE_MAX. The text may go when the call returns.
 */
cleat_status cleat__expression_compile(cleat_slice text, cleat__expression **out);
void cleat__expression_free(cleat__expression *expression); /* NULL-safe */
/* Whether it compiles, for what is stored as text: as cleat__expression_compile(). */
cleat_status cleat__expression_check(cleat_slice text);

/* Where an expression is declared: expression_place.c has what each place's may use, and what is wanted of it. */
typedef enum cleat__expression_place {
    CLEAT__EXPRESSION_FILTER,
    CLEAT__EXPRESSION_CONDITION, /* of a parent's output, or of an event */
    CLEAT__EXPRESSION_CONCURRENCY_KEY,
    CLEAT__EXPRESSION_CONCURRENCY_RUNS,
    CLEAT__EXPRESSION_RATE_KEY,
    CLEAT__EXPRESSION_RATE_UNITS,
    CLEAT__EXPRESSION_RATE_LIMIT,
    CLEAT__EXPRESSION_IDEMPOTENCY_KEY,
    CLEAT__EXPRESSION_BATCH_KEY,
    CLEAT__EXPRESSION_WEBHOOK_KEY, /* of the event that a webhook makes */
    CLEAT__EXPRESSION_WEBHOOK_SCOPE,
    CLEAT__EXPRESSION_PLACE_COUNT
} cleat__expression_place;
/*
 * Whether it compiles, for who declares it: also CLEAT_INVALID_ARGUMENT where it uses a variable that is not there
 * in that place, or where it can be told by its literals, operators and functions that no value of it is of the type
 * that is wanted there. What is stored already is not asked that: it may have been declared when nobody asked.
 */
cleat_status cleat__expression_check_for(cleat_slice text, cleat__expression_place place);

/*
 * The value as a bool, as a string (NUL-terminated, with its size where `size` is not NULL; the caller
 * frees it with cleat__free()), and as a number: an int, a uint, or a double without a fraction.
 * CLEAT_INVALID_ARGUMENT: the value is of another type, or there is none because of an error, which
 * cleat_error_message() tells. CLEAT_RESOURCE_EXHAUSTED: more steps or memory than one evaluation may take.
 */
cleat_status cleat__expression_test(const cleat__expression *expression,
                                    const cleat__expression_variables *variables, bool *result);
cleat_status cleat__expression_text(const cleat__expression *expression,
                                    const cleat__expression_variables *variables, char **result,
                                    size_t *size);
cleat_status cleat__expression_number(const cleat__expression *expression,
                                      const cleat__expression_variables *variables, int64_t *result);
/* Puts in front of the message of a value that is not there, or is not good: whose it would have been, and by which
 * expression. Answers the status, which is of that. */
cleat_status cleat__expression_blame(cleat_status status, const cleat__expression *expression,
                                     const char *what);

#endif
