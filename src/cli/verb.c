#include "verb.h"

#include "message.h"

#include <stdio.h>

static void print_verbs(const char *group, const cleat__verb *verbs, int count)
{
    const char *blank = group[0] != '\0' ? " " : "";
    printf("usage: cleat %s%sVERB [options]\n\n", group, blank);
    for (int i = 0; i < count; i++) {
        printf("  %-9s  %s\n", verbs[i].name, verbs[i].summary);
    }
    printf("\ncleat %s%sVERB --help says more about each.\n", group, blank);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

/* `cleat help demo` is `cleat demo --help`; `cleat help traces show` likewise. */
static int help(const char *group, const cleat__verb *verbs, int count, const cleat__cli *cli, int argc,
                char **argv)
{
    char option[] = "--help";
    char *words[4] = {NULL};
    int size = 0;
    if (argc == 0) {
        print_verbs(group, verbs, count);
        return cleat__finish_output();
    }
    for (; size < argc && size < 3; size++) {
        words[size] = argv[size];
    }
    words[size++] = option;
    return cleat__verbs_run(group, verbs, count, cli, size, words);
}

int cleat__verbs_run(const char *group, const cleat__verb *verbs, int count, const cleat__cli *cli, int argc,
                     char **argv)
{
    if (argc == 0) {
        return cleat__complain_usage(group, "a verb is missing");
    }
    if (is_help(argv[0])) {
        return help(group, verbs, count, cli, argc - 1, argv + 1);
    }
    for (int i = 0; i < count; i++) {
        if (strcmp(verbs[i].name, argv[0]) == 0) {
            return verbs[i].run(cli, argc - 1, argv + 1);
        }
    }
    const char *kind = argv[0][0] == '-' ? "option" : "verb";
    return cleat__complain_usage(group, "unknown %s %s", kind, argv[0]);
}
