/* CRC-32 and deflated size of a file, read in pieces. */
#ifndef CLEAT_CLI_PACK_H
#define CLEAT_CLI_PACK_H

#include <cleat/status.h>

typedef struct cleat__pack {
    uint64_t bytes, deflated;
    uint32_t crc32;
} cleat__pack;

/* Reads `fd` to its end. CLEAT_IO and errno when reading fails; CLEAT_NO_MEMORY. */
cleat_status cleat__pack_read(int fd, cleat__pack *out);

#endif
