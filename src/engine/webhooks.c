#include "engine/webhooks.h"

#include "base/error.h"
#include "store/webhook.h"

cleat_status cleat__webhooks_add(cleat__core *core, cleat__command *command)
{
    const cleat__webhook_row row = {
        .id = cleat__uuid_next(&core->ids, core->now.unix_ms),
        .tenant = command->tenant,
        .created_at_ms = core->now.unix_ms,
        .updated_at_ms = core->now.unix_ms,
        .webhook = *command->as.add_webhook.webhook,
    };
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__webhook_insert(core->store, &row);
        status = status == CLEAT_ALREADY_EXISTS ? status : cleat__core_check(core, status);
    }
    if (status == CLEAT_OK) {
        *command->as.add_webhook.id = row.id;
    }
    return status;
}

cleat_status cleat__webhooks_change(cleat__core *core, cleat__command *command)
{
    const cleat__webhook_key key = {command->tenant, command->as.change_webhook.name};
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check_found(
            core,
            cleat__webhook_update(core->store, key, command->as.change_webhook.change, core->now.unix_ms));
    }
    return status;
}

cleat_status cleat__webhooks_delete(cleat__core *core, cleat__command *command)
{
    const cleat__webhook_key key = {command->tenant, command->as.webhook};
    cleat_status status = cleat__core_begin(core);
    return status == CLEAT_OK ? cleat__core_check_found(core, cleat__webhook_delete(core->store, key))
                              : status;
}
