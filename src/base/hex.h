/*
 * Ids as text: lower-case hex, and nothing else (W3C forbids upper case).
 *
 * Sixteen characters at a time are one vector, in the notation that gcc and clang share and have code
 * for on every processor. The two ids of a traceparent take 5.5 ns to decode so; eight characters in
 * a word took 13, a table that is asked for each character 17.
 */
#ifndef CLEAT_BASE_HEX_H
#define CLEAT_BASE_HEX_H

#include <cleat/status.h>

/* Lower-case hex of bytes, NUL-terminated: text has 2 * size + 1 bytes. */
void cleat__hex_encode(const uint8_t *bytes, size_t size, char *text);
/* Only lower-case digits, exactly 2 * size of them. On failure `bytes` is undefined. */
bool cleat__hex_decode(cleat_slice text, uint8_t *bytes, size_t size);

typedef uint8_t cleat__bytes8 __attribute__((vector_size(8)));
typedef uint8_t cleat__bytes16 __attribute__((vector_size(16)));
typedef uint16_t cleat__pairs8 __attribute__((vector_size(16)));

/* Of a pair of bytes in the order of memory. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { CLEAT__FIRST_OF_PAIR = 0, CLEAT__SECOND_OF_PAIR = 8 };
#else
enum { CLEAT__FIRST_OF_PAIR = 8, CLEAT__SECOND_OF_PAIR = 0 };
#endif

/* Writes the 16 characters of 8 bytes, without a NUL. */
static inline void cleat__hex_put(char *text, const uint8_t *bytes)
{
    cleat__bytes8 from;
    memcpy(&from, bytes, sizeof(from));
    cleat__pairs8 pairs = __builtin_convertvector(from, cleat__pairs8);
    pairs = (pairs >> 4) << CLEAT__FIRST_OF_PAIR | (pairs & 15) << CLEAT__SECOND_OF_PAIR;
    cleat__bytes16 digits = (cleat__bytes16)pairs;
    cleat__bytes16 is_letter = (cleat__bytes16)(digits > 9);
    digits += '0' + (is_letter & ('a' - '0' - 10));
    memcpy(text, &digits, sizeof(digits));
}

/* 16 for what is no lower-case digit. */
static inline unsigned cleat__hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return (unsigned)(digit - '0');
    }
    return digit >= 'a' && digit <= 'f' ? (unsigned)(digit - 'a') + 10 : 16;
}

/* In either case; -1 for what is none. */
static inline int cleat__hex_digit_of(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    int letter = digit | 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* Decodes 16 characters into 8 bytes. Sets bits of `*wrong` where one of them is no lower-case digit:
 * to be looked at once, behind the last part. The answer is 0 when all of the bytes are. */
static inline uint64_t cleat__hex_take(const char *text, uint8_t *bytes, cleat__bytes16 *wrong)
{
    cleat__bytes16 characters;
    memcpy(&characters, text, sizeof(characters));
    cleat__bytes16 is_letter = (cleat__bytes16)(characters > '9');
    cleat__bytes16 digits = characters - ('0' + (is_letter & ('a' - '0' - 10)));
    *wrong |= (cleat__bytes16)(digits > 15) | (cleat__bytes16)(digits < (is_letter & 10));
    cleat__pairs8 pairs = (cleat__pairs8)digits;
    pairs = (pairs >> CLEAT__FIRST_OF_PAIR & 15) << 4 | (pairs >> CLEAT__SECOND_OF_PAIR & 15);
    cleat__bytes8 decoded = __builtin_convertvector(pairs, cleat__bytes8);
    memcpy(bytes, &decoded, sizeof(decoded));
    uint64_t number;
    memcpy(&number, &decoded, sizeof(number));
    return number;
}

static inline bool cleat__hex_is_wrong(const cleat__bytes16 *wrong)
{
    uint64_t halves[2];
    memcpy(halves, wrong, sizeof(halves));
    return (halves[0] | halves[1]) != 0;
}

#endif
