/* Making the public list of queues. */
#ifndef CLEAT_TRANSPORT_QUEUE_LIST_H
#define CLEAT_TRANSPORT_QUEUE_LIST_H

#include <cleat/metrics.h>

/* That of the task, which is added where it is not there. NULL on no memory. Valid until the next call. */
cleat_queue_entry *cleat__queue_list_find(cleat_queue_metrics *list, cleat_slice task);
/* By task. */
void cleat__queue_list_sort(cleat_queue_metrics *list);

#endif
