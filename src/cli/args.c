#include "args.h"

#include "message.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { LEFT_MIN = 18, LEFT_SIZE = 48 };

static int format_left(const cleat__option *option, char left[LEFT_SIZE])
{
    return snprintf(left, LEFT_SIZE, "--%s%s%s", option->name, option->value != NULL ? " " : "",
                    option->value != NULL ? option->value : "");
}

static void print_option(const cleat__option *option, int width)
{
    char left[LEFT_SIZE];
    format_left(option, left);
    printf("  %-*s  %s\n", width, left, option->help);
}

static void print_help(const cleat__usage *usage)
{
    const cleat__option help = CLEAT__FLAG("help", NULL, "this text");
    printf("usage: cleat %s%s%s [options]\n\n%s\n", usage->verb, usage->operands[0] ? " " : "",
           usage->operands, usage->summary);
    if (usage->more != NULL) {
        printf("\n%s", usage->more);
    }
    int width = LEFT_MIN;
    for (int i = 0; i < usage->option_count; i++) {
        char left[LEFT_SIZE];
        int size = format_left(&usage->options[i], left);
        width = size > width ? size : width;
    }
    printf("\noptions:\n");
    for (int i = 0; i < usage->option_count; i++) {
        print_option(&usage->options[i], width);
    }
    print_option(&help, width);
}

static bool parse_number(const char *text, int64_t *out)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    *out = value;
    return text[0] != '\0' && text[0] != ' ' && *end == '\0' && errno == 0;
}

static int store_value(const cleat__usage *usage, const cleat__option *option, const char *text)
{
    int64_t number = 0;
    if (option->type == CLEAT__OPTION_TEXT) {
        if (text[0] == '\0') {
            return cleat__complain_usage(usage->verb, "--%s is empty", option->name);
        }
        *(const char **)option->target = text;
        return CLEAT__ARGS_GO;
    }
    if (!parse_number(text, &number) || number < option->min || number > option->max) {
        return cleat__complain_usage(usage->verb,
                                     "--%s must be a number from %" PRId64 " to %" PRId64 ", not \"%s\"",
                                     option->name, option->min, option->max, text);
    }
    *(int64_t *)option->target = number;
    return CLEAT__ARGS_GO;
}

static const cleat__option *find_option(const cleat__usage *usage, const char *name, size_t size)
{
    for (int i = 0; i < usage->option_count; i++) {
        const cleat__option *option = &usage->options[i];
        if (strlen(option->name) == size && strncmp(option->name, name, size) == 0) {
            return option;
        }
    }
    return NULL;
}

/* `word` is "--name" or "--name=value"; `*used_next` says that the value was the next word. */
static int parse_option(const cleat__usage *usage, const char *word, const char *next, bool *used_next)
{
    const char *name = word + 2;
    const char *value = strchr(name, '=');
    size_t size = value != NULL ? (size_t)(value - name) : strlen(name);
    const cleat__option *option = find_option(usage, name, size);

    if (size == 4 && strncmp(name, "help", size) == 0) {
        print_help(usage);
        return cleat__finish_output();
    }
    if (option == NULL) {
        return cleat__complain_usage(usage->verb, "unknown option --%.*s", (int)size, name);
    }
    if (option->type == CLEAT__OPTION_FLAG) {
        if (value != NULL) {
            return cleat__complain_usage(usage->verb, "--%s takes no value", option->name);
        }
        *(bool *)option->target = true;
        return CLEAT__ARGS_GO;
    }
    if (value != NULL) {
        return store_value(usage, option, value + 1);
    }
    if (next == NULL) {
        return cleat__complain_usage(usage->verb, "--%s needs a value: --%s %s", option->name, option->name,
                                     option->value);
    }
    *used_next = true;
    return store_value(usage, option, next);
}

int cleat__args_parse(const cleat__usage *usage, int argc, char **argv,
                      const char *operands[CLEAT__OPERANDS_MAX])
{
    int count = 0;
    bool options_end = false;
    for (int i = 0; i < CLEAT__OPERANDS_MAX; i++) {
        operands[i] = NULL;
    }
    for (int i = 0; i < argc; i++) {
        const char *word = strcmp(argv[i], "-h") == 0 && !options_end ? "--help" : argv[i];
        bool used_next = false;
        if (!options_end && strcmp(word, "--") == 0) {
            options_end = true;
        } else if (!options_end && strncmp(word, "--", 2) == 0) {
            int code = parse_option(usage, word, i + 1 < argc ? argv[i + 1] : NULL, &used_next);
            if (code != CLEAT__ARGS_GO) {
                return code;
            }
            i += used_next;
        } else if (!options_end && word[0] == '-' && word[1] != '\0') {
            return cleat__complain_usage(usage->verb, "unknown option %s", word);
        } else if (count >= usage->max_operands) {
            return cleat__complain_usage(usage->verb, "unexpected argument \"%s\"%s%s", word,
                                         usage->surplus != NULL ? ": " : "",
                                         usage->surplus != NULL ? usage->surplus : "");
        } else if (word[0] == '\0') {
            return cleat__complain_usage(usage->verb, "an argument is empty: %s", usage->operands);
        } else {
            operands[count++] = word;
        }
    }
    if (count < usage->min_operands) {
        return cleat__complain_usage(usage->verb, "%s is missing", usage->operands);
    }
    return CLEAT__ARGS_GO;
}
