/* All public headers. */
#ifndef CLEAT_CLEAT_H
#define CLEAT_CLEAT_H

#include "cleat/batch.h"
#include "cleat/client.h"
#include "cleat/dag.h"
#include "cleat/event.h"
#include "cleat/filter.h"
#include "cleat/instrumentor.h"
#include "cleat/interceptor.h"
#include "cleat/label.h"
#include "cleat/limit.h"
#include "cleat/log.h"
#include "cleat/metrics.h"
#include "cleat/otlp_grpc.h"
#include "cleat/pause.h"
#include "cleat/run.h"
#include "cleat/runs.h"
#include "cleat/schedule.h"
#include "cleat/status.h"
#include "cleat/stream.h"
#include "cleat/task.h"
#include "cleat/trace.h"
#include "cleat/worker.h"
#include "cleat/workflow.h"

#endif
