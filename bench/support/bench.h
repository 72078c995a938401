/*
 * What benchmarks share: the line that says where the figures come from, medians, a clock. Header
 * only, so that a benchmark is one program of one file.
 */
#ifndef CLEAT_BENCH_SUPPORT_BENCH_H
#define CLEAT_BENCH_SUPPORT_BENCH_H

#include <cleat/status.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static inline int64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* CPU time of the whole process. */
static inline int64_t bench_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* CPU time of this thread: what its work costs, also where others use the processors too. */
static inline int64_t bench_thread_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int bench_compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Sorts `values`. */
static inline double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), bench_compare);
    return count % 2 != 0 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* `percent` of the values are not above the answer. Sorts `values`. */
static inline double bench_percentile(double *values, size_t count, double percent)
{
    qsort(values, count, sizeof(*values), bench_compare);
    size_t index = (size_t)(percent / 100.0 * (double)count);
    return values[index < count ? index : count - 1];
}

/* A field of a file like /proc/cpuinfo: what follows `name` and a colon, "" when not there. */
static inline void bench_proc_field(const char *path, const char *name, char *out, size_t size)
{
    char line[256];
    FILE *file = fopen(path, "r");
    out[0] = '\0';
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        char *colon = strchr(line, ':');
        if (strncmp(line, name, strlen(name)) == 0 && colon != NULL) {
            colon += 1 + strspn(colon + 1, " \t");
            colon[strcspn(colon, "\n")] = '\0';
            snprintf(out, size, "%s", colon);
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

/* Resident memory of this process in MiB. */
static inline double bench_resident_mib(void)
{
    char text[64];
    bench_proc_field("/proc/self/status", "VmRSS", text, sizeof(text));
    return strtod(text, NULL) / 1024.0;
}

/* "# Linux 6.1.0 x86_64, 2 x AMD EPYC, gcc 12.2.0, cleat 0.1.0" */
static inline void bench_print_machine(void)
{
    struct utsname system;
    char model[128];
    if (uname(&system) != 0) {
        memset(&system, 0, sizeof(system));
    }
    bench_proc_field("/proc/cpuinfo", "model name", model, sizeof(model));
#if defined(__clang__)
    const char *compiler = "clang " __clang_version__;
#else
    const char *compiler = "gcc " __VERSION__;
#endif
#if defined(__OPTIMIZE__)
    const char *optimised = "";
#else
    const char *optimised = ", NOT OPTIMISED";
#endif
    printf("# %s %s %s, %ld x %s, %s%s, cleat %s\n", system.sysname, system.release, system.machine,
           sysconf(_SC_NPROCESSORS_ONLN), model[0] != '\0' ? model : "unknown processor", compiler, optimised,
           cleat_version());
}

#endif
