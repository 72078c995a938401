#include <cleat/status.h>

/* CLEAT_BUILD_VERSION is the version of the CMake project; other builds have the fallback. */
#ifndef CLEAT_BUILD_VERSION
#define CLEAT_BUILD_VERSION "0.1.0"
#endif

typedef struct status_row {
    const char *name;
    const char *text;
    bool retryable;
    int grpc;
    int http;
} status_row;

static const status_row rows[] = {
#define STATUS_ROW(name, number, text, retryable, grpc, http) \
    [number] = {"CLEAT_" #name, text, retryable, grpc, http},
    CLEAT_STATUS_LIST(STATUS_ROW)
#undef STATUS_ROW
};

/* gRPC UNKNOWN. */
static const status_row unknown = {"CLEAT_UNKNOWN", "unknown status", false, 2, 500};

static const status_row *row_of(cleat_status status)
{
    size_t index = (size_t)status;
    if (index >= sizeof(rows) / sizeof(rows[0]) || rows[index].name == NULL) {
        return &unknown;
    }
    return &rows[index];
}

const char *cleat_status_name(cleat_status status)
{
    return row_of(status)->name;
}

const char *cleat_status_text(cleat_status status)
{
    return row_of(status)->text;
}

bool cleat_status_is_retryable(cleat_status status)
{
    return row_of(status)->retryable;
}

int cleat_status_grpc_code(cleat_status status)
{
    return row_of(status)->grpc;
}

int cleat_status_http_code(cleat_status status)
{
    return row_of(status)->http;
}

const char *cleat_version(void)
{
    return CLEAT_BUILD_VERSION;
}
