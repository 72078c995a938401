/* Times in HTTP bodies. */
#ifndef CLEAT_SERVER_HTTP_TIME_H
#define CLEAT_SERVER_HTTP_TIME_H

#include "model/http_time.h"

#endif
