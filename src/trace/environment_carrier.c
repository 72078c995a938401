/*
 * Environment variables as carrier (OpenTelemetry specification, "Environment Variables as Context
 * Propagation Carriers"): how a context goes through fork and exec.
 */
#include "base/alloc.h"
#include "base/error.h"
#include "trace/propagator.h"

extern char **environ;

/* ---- Names ---- */

/* The character of a variable's name that stands for one of a key. */
static char name_character(char character)
{
    if (character >= 'a' && character <= 'z') {
        return (char)(character & ~0x20);
    }
    bool stays = (character >= 'A' && character <= 'Z') || (character >= '0' && character <= '9');
    return stays ? character : '_';
}

/* A variable's name does not begin with a digit (POSIX, "Environment Variable Definition"). */
static bool needs_prefix(const char *key)
{
    return key[0] >= '0' && key[0] <= '9';
}

/* The value in "NAME=value" when that is the variable of a key, else NULL. */
static const char *value_of(const char *variable, const char *key)
{
    if (needs_prefix(key) && *variable++ != '_') {
        return NULL;
    }
    for (; *key != '\0'; key++, variable++) {
        if (*variable != name_character(*key)) {
            return NULL;
        }
    }
    return *variable == '=' ? variable + 1 : NULL;
}

/* ---- To be read ---- */

static char *const *variables_of(char *const *envp)
{
    static char *const none[] = {NULL};
    if (envp == NULL) {
        envp = environ;
    }
    return envp != NULL ? envp : none; /* clearenv() leaves no environment at all */
}

static cleat_slice environment_get(void *self, const char *key)
{
    for (char *const *each = variables_of(self); *each != NULL; each++) {
        const char *value = value_of(*each, key);
        if (value != NULL) {
            return cleat_slice_of(value);
        }
    }
    return (cleat_slice){NULL, 0};
}

static void environment_keys(void *self, cleat_text_map_visitor visit, void *user_data)
{
    for (char *const *each = variables_of(self); *each != NULL; each++) {
        const char *equals = strchr(*each, '=');
        if (equals != NULL && !visit(user_data, (cleat_slice){*each, (size_t)(equals - *each)})) {
            return;
        }
    }
}

cleat_text_map cleat_environment_text_map(char *const *envp)
{
    return (cleat_text_map){.self = (void *)envp, .get = environment_get, .keys = environment_keys};
}

cleat_context *cleat_context_from_environment(const cleat_propagator *propagator)
{
    cleat_text_map map = cleat_environment_text_map(NULL);
    return cleat_propagator_extract(propagator, NULL, &map);
}

/* ---- For a child ---- */

/* What a propagator injects. */
typedef struct injected {
    cleat_carrier *carrier; /* by key */
    cleat_status status;    /* the first failure */
} injected;

static cleat_status injected_set(void *self, const char *key, cleat_slice value)
{
    injected *into = self;
    cleat_status status;
    if (value.size != 0 && memchr(value.data, '\0', value.size) != NULL) {
        status =
            cleat__fail(CLEAT_INVALID_ARGUMENT, "\"%s\" has a NUL byte: no environment variable can", key);
    } else {
        status = cleat_carrier_set(into->carrier, key, value);
    }
    if (into->status == CLEAT_OK) {
        into->status = status;
    }
    return status;
}

static cleat_slice injected_get(void *self, const char *key)
{
    return cleat_carrier_get(((injected *)self)->carrier, key);
}

static void injected_remove(void *self, const char *key)
{
    cleat_carrier_remove(((injected *)self)->carrier, key);
}

/* Whether a variable of the parent's is one that the propagator speaks about. */
static bool is_replaced(const char *variable, const char *const *fields, const cleat_carrier *carrier)
{
    for (; fields != NULL && *fields != NULL; fields++) {
        if (value_of(variable, *fields) != NULL) {
            return true;
        }
    }
    for (size_t i = 0; i < cleat_carrier_count(carrier); i++) {
        cleat_slice key;
        cleat_carrier_at(carrier, i, &key, NULL);
        if (value_of(variable, key.data) != NULL) { /* the carrier's keys end with a NUL */
            return true;
        }
    }
    return false;
}

/* Memory in one block: the pointers, then the text. Written twice: first to measure. */
typedef struct block {
    char **pointers; /* NULL while measuring */
    char *text;
    size_t count;
    size_t size;
} block;

static void put_text(block *to, const char *text, size_t size)
{
    if (to->pointers != NULL) {
        memcpy(to->text + to->size, text, size);
    }
    to->size += size;
}

static void begin_variable(block *to)
{
    if (to->pointers != NULL) {
        to->pointers[to->count] = to->text + to->size;
    }
    to->count++;
}

static void put_injected(block *to, cleat_slice key, cleat_slice value)
{
    begin_variable(to);
    if (needs_prefix(key.data)) {
        put_text(to, "_", 1);
    }
    for (size_t i = 0; i < key.size; i++) {
        char character = name_character(key.data[i]);
        put_text(to, &character, 1);
    }
    put_text(to, "=", 1);
    put_text(to, value.data, value.size);
    put_text(to, "", 1);
}

static void put_all(block *to, char *const *envp, const char *const *fields, const cleat_carrier *carrier)
{
    to->count = 0;
    to->size = 0;
    for (; *envp != NULL; envp++) {
        if (!is_replaced(*envp, fields, carrier)) {
            begin_variable(to);
            put_text(to, *envp, strlen(*envp) + 1);
        }
    }
    for (size_t i = 0; i < cleat_carrier_count(carrier); i++) {
        cleat_slice key, value;
        cleat_carrier_at(carrier, i, &key, &value);
        put_injected(to, key, value);
    }
}

static char **make_block(char *const *envp, const char *const *fields, const cleat_carrier *carrier)
{
    block made = {NULL, NULL, 0, 0};
    put_all(&made, envp, fields, carrier);
    size_t pointers_size = (made.count + 1) * sizeof(char *);
    made.pointers = cleat__malloc(pointers_size + made.size);
    if (made.pointers == NULL) {
        return NULL;
    }
    made.text = (char *)made.pointers + pointers_size;
    put_all(&made, envp, fields, carrier);
    made.pointers[made.count] = NULL;
    return made.pointers;
}

cleat_status cleat_child_environment_new(char *const *envp, const cleat_context *context,
                                         const cleat_propagator *propagator, char ***out)
{
    if (out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a child's environment needs a place to go");
    }
    *out = NULL;
    propagator = propagator != NULL ? propagator : cleat_propagator_global();
    injected into = {NULL, CLEAT_OK};
    cleat_status status = cleat_carrier_new(&into.carrier);
    if (status != CLEAT_OK) {
        return status;
    }
    const cleat_text_map map = {
        .self = &into, .get = injected_get, .set = injected_set, .remove = injected_remove};
    cleat_propagator_inject(propagator, context, &map);
    status = into.status;
    if (status == CLEAT_OK) {
        const char *const *fields = propagator->fields != NULL ? propagator->fields(propagator) : NULL;
        *out = make_block(variables_of(envp), fields, into.carrier);
        status = *out != NULL ? CLEAT_OK : cleat__fail_memory();
    }
    cleat_carrier_free(into.carrier);
    return status;
}

void cleat_child_environment_free(char **environment)
{
    cleat__free(environment);
}
