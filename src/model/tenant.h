/* Tenants see nothing of each other. They are known by the number of their row. */
#ifndef CLEAT_MODEL_TENANT_H
#define CLEAT_MODEL_TENANT_H

#include <stdint.h>

/* The one that is there from the beginning: of embedded engines the only one. */
#define CLEAT__TENANT_DEFAULT INT64_C(1)

#endif
