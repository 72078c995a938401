/* Looking at the log of a run. */
#include <cleat/log.h>

#include "base/error.h"
#include "base/utf8.h"
#include "sdk/choice.h"
#include "sdk/client.h"
#include "sdk/options.h"

static const unsigned all_levels =
    1U << CLEAT_LOG_ERROR | 1U << CLEAT_LOG_WARN | 1U << CLEAT_LOG_INFO | 1U << CLEAT_LOG_DEBUG;

static cleat_status read_page(const cleat_log_list_options *options, cleat__log_page *out)
{
    const char *search = options->search != NULL ? options->search : "";
    *out = (cleat__log_page){.levels = options->levels,
                             .attempt = options->attempt,
                             .search = cleat_slice_of(search),
                             .is_newest_first = options->newest_first,
                             .offset = options->offset,
                             .limit = options->limit};
    cleat_status status = cleat__page_check(options->offset, &out->limit);
    if (status == CLEAT_OK) {
        status = cleat__times_read(options->since_ms, options->until_ms, &out->since_ms, &out->until_ms);
    }
    if (status == CLEAT_OK && (options->levels & ~all_levels) != 0) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT,
                             "levels is 0x%x, which has more than 1U << cleat_log_level", options->levels);
    }
    if (status == CLEAT_OK && options->attempt < 0) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "attempt is %d; the first one is 1", options->attempt);
    }
    if (status == CLEAT_OK && cleat__utf8_valid_prefix(search, strlen(search)) != strlen(search)) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "search is no UTF-8");
    }
    return status;
}

cleat_status cleat_client_list_logs(cleat_client *client, const cleat_run_id *id,
                                    const cleat_log_list_options *options, cleat_log_list *out)
{
    cleat_log_list_options known;
    cleat__log_page page;
    cleat__uuid uuid;
    if (out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "out is NULL");
    }
    *out = (cleat_log_list){0};
    cleat_status status = cleat__run_id_parse(client, id, &uuid);
    if (status == CLEAT_OK) {
        status = cleat__options_read("CLEAT_LOG_LIST_OPTIONS", options, &known, sizeof(known));
    }
    if (status == CLEAT_OK) {
        status = read_page(&known, &page);
    }
    if (status == CLEAT_OK) {
        status = client->transport->logs(client->transport, &uuid, &page, out);
    }
    if (status != CLEAT_OK) {
        cleat_log_list_deinit(out);
    }
    return status;
}
