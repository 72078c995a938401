#include "lifetime.h"

#define DAY_MS      INT64_C(86400000)
#define LIFETIME_MS (36525 * DAY_MS)

static int64_t unit_ms(char unit)
{
    switch (unit) {
    case 'd': return DAY_MS;
    case 'h': return 3600000;
    case 'm': return 60000;
    case 's': return 1000;
    default: return 0;
    }
}

bool cleat__lifetime_parse(const char *text, int64_t *out_ms)
{
    int64_t sum = 0;
    do {
        int64_t number = 0;
        const char *digits = text;
        for (; *text >= '0' && *text <= '9' && number <= LIFETIME_MS; text++) {
            number = number * 10 + (*text - '0');
        }
        int64_t unit = unit_ms(*text);
        if (text == digits || unit == 0 || number > LIFETIME_MS / unit) {
            return false;
        }
        sum += number * unit;
        text++;
        if (sum > LIFETIME_MS) {
            return false;
        }
    } while (*text != '\0');
    *out_ms = sum;
    return sum > 0;
}
