#include "mix.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a thousand. */
static const struct {
    const char *name;
    unsigned share;
} kinds[MIX_KINDS] = {
    [MIX_PLAIN] = {"plain", 581},        [MIX_FLAKY] = {"flaky", 80},     [MIX_FAILING] = {"failing", 15},
    [MIX_KEYED] = {"keyed", 70},         [MIX_LIMITED] = {"limited", 50}, [MIX_FAN] = {"fan", 15},
    [MIX_GRAPH] = {"graph", 15},         [MIX_FLOW] = {"flow", 12},       [MIX_BATCHED] = {"batched", 60},
    [MIX_CANCELLED] = {"cancelled", 15}, [MIX_AGAIN] = {"again", 5},      [MIX_EVENT] = {"event", 62},
    [MIX_LATER] = {"later", 8},          [MIX_ONCE] = {"once", 12},
};

/* Bits that have nothing to do with each other, of numbers that follow each other (splitmix64). */
static uint64_t scatter(uint64_t number)
{
    number += UINT64_C(0x9e3779b97f4a7c15);
    number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
    return number ^ number >> 31;
}

mix_kind mix_kind_of(int64_t number)
{
    unsigned at = (unsigned)(scatter((uint64_t)number) % 1000);
    for (int kind = 0; kind < MIX_KINDS; kind++) {
        if (at < kinds[kind].share) {
            return (mix_kind)kind;
        }
        at -= kinds[kind].share;
    }
    return MIX_PLAIN;
}

const char *mix_name(mix_kind kind)
{
    return kinds[kind].name;
}

/* Half of all have the first key, a quarter the second one, .. */
static int key_of(int64_t number)
{
    uint64_t bits = scatter((uint64_t)number) >> 20;
    int key = 0;
    while (key < 12 && (bits & 1) == 0) {
        bits >>= 1;
        key++;
    }
    return key;
}

void mix_input(int64_t number, char input[MIX_INPUT])
{
    if (mix_kind_of(number) == MIX_FLOW) {
        snprintf(input, MIX_INPUT, "{\"n\":%" PRId64 ",\"lane\":%" PRId64 "}", number, number % MIX_LANES);
    } else {
        snprintf(input, MIX_INPUT, "{\"n\":%" PRId64 ",\"key\":\"k%d\"}", number, key_of(number));
    }
}

int64_t mix_number(const char *input, size_t size)
{
    static const char sign[] = "{\"n\":";
    char text[24] = "";
    if (size <= sizeof(sign) - 1 || memcmp(input, sign, sizeof(sign) - 1) != 0) {
        return -1;
    }
    size -= sizeof(sign) - 1;
    memcpy(text, input + sizeof(sign) - 1, size < sizeof(text) - 1 ? size : sizeof(text) - 1);
    return text[0] >= '0' && text[0] <= '9' ? strtoll(text, NULL, 10) : -1;
}

int mix_priority(int64_t number)
{
    return (int)(number % 4); /* 0 as well: the task's */
}

int64_t mix_made(int64_t number)
{
    return (int64_t)(scatter((uint64_t)number) >> 32);
}

int mix_failures(int64_t number)
{
    return 1 + (int)(number % 3);
}

bool mix_graph_fails(int64_t number)
{
    return number % 10 == 3;
}

bool mix_graph_skips(int64_t number)
{
    return mix_made(number) % 2 == 0;
}

bool mix_flow_waits(int64_t number)
{
    return number % 3 == 0;
}

bool mix_flow_goes_on(int64_t number)
{
    return number % 8 == 5;
}

bool mix_batched_fails(int64_t number)
{
    return number % 9 == 4;
}

bool mix_cancelled_dawdles(int64_t number)
{
    return number % 2 == 0;
}

/* ---- What must come of it ---- */

void mix_expect_failure(int64_t number, mix_end *out)
{
    *out = (mix_end){.status = CLEAT_RUN_FAILED};
    snprintf(out->output, sizeof(out->output), "{\"message\":\"ticket %" PRId64 "\"}", number);
}

void mix_expect_made(int64_t number, mix_end *out)
{
    *out = (mix_end){.status = CLEAT_RUN_COMPLETED};
    snprintf(out->output, sizeof(out->output), "{\"n\":%" PRId64 ",\"made\":%" PRId64 "}", number,
             mix_made(number));
}

static void expect_graph(int64_t number, mix_end *out)
{
    if (mix_graph_fails(number)) {
        mix_expect_failure(number, out);
        return;
    }
    out->is_part = true;
    snprintf(out->output, sizeof(out->output), "\"last\":{\"n\":%" PRId64 ",\"sum\":%" PRId64 "}", number,
             mix_made(number) * (mix_graph_skips(number) ? 2 : 3));
}

static void expect_flow(int64_t number, bool again, mix_end *out)
{
    if (mix_flow_goes_on(number) && !again) {
        out->is_part = true;
        snprintf(out->output, sizeof(out->output), "{\"cleat:continued_as\":\"");
        return;
    }
    snprintf(out->output, sizeof(out->output), "{\"n\":%" PRId64 ",\"sum\":%" PRId64 "}", number,
             mix_made(number) * (2 + MIX_LEAVES));
}

void mix_expect(int64_t number, bool again, mix_end *out)
{
    *out = (mix_end){.status = CLEAT_RUN_COMPLETED};
    switch (mix_kind_of(number)) {
    case MIX_FAILING: mix_expect_failure(number, out); break;
    case MIX_BATCHED:
        if (mix_batched_fails(number)) {
            mix_expect_failure(number, out);
        } else {
            mix_expect_made(number, out);
        }
        break;
    case MIX_FAN:
        snprintf(out->output, sizeof(out->output), "{\"n\":%" PRId64 ",\"children\":%d}", number,
                 MIX_CHILDREN);
        break;
    case MIX_GRAPH: expect_graph(number, out); break;
    case MIX_FLOW: expect_flow(number, again, out); break;
    default: mix_expect_made(number, out); break;
    }
}
