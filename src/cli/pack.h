/* CRC-32 and deflated size of a file, read in pieces. */
#ifndef CLEAT_CLI_PACK_H
#define CLEAT_CLI_PACK_H

#include <cleat/status.h>

typedef struct cleat__pack {
    uint64_t bytes, deflated;
    uint32_t crc32;
} cleat__pack;

/*
 * Reads `fd` to its end. CLEAT_IO and errno when reading fails; CLEAT_NO_MEMORY. EFBIG: larger than
 * 256 MiB, or far more in it than its size says, as in the files of /proc, some of which have no end.
 */
cleat_status cleat__pack_read(int fd, cleat__pack *out);

#endif
