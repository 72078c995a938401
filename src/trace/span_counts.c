#include "span_counts.h"

void cleat__count_lost_start(cleat_tracer_provider *provider)
{
    cleat__count_shared(&provider->account, CLEAT__COUNT_STARTED, 1);
    cleat__count_shared(&provider->account, CLEAT__COUNT_ENDED, 1);
    cleat__count_shared(&provider->account, CLEAT__COUNT_NO_MEMORY, 1);
}

void cleat__count_rare(const cleat__span *span, cleat__count what, uint64_t more)
{
    cleat__account *account = &span->tracer->provider->account;
    cleat__local *local = cleat__local_of_thread;
    if (local != NULL) {
        cleat__count_more(local, account, what, more);
    } else {
        cleat__count_shared(account, what, more);
    }
}

void cleat__count_losses(const cleat__span *span)
{
    cleat__count_rare(span, CLEAT__COUNT_ATTRIBUTES_DROPPED, span->attributes.dropped);
    cleat__count_rare(span, CLEAT__COUNT_STRINGS_REPAIRED, span->attributes.repaired);
    cleat__count_rare(span, CLEAT__COUNT_EVENTS_DROPPED, span->dropped_events);
    cleat__count_rare(span, CLEAT__COUNT_LINKS_DROPPED, span->dropped_links);
}
