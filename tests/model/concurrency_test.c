#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/concurrency.h"

#include "base/alloc.h"

#include <jansson.h>
#include <stdio.h>

/* ---- Who holds, who waits, who is cancelled ---- */

enum { CLAIMANTS = 26 };

/*
 * Claimants are letters. A word of `does` is one thing that happens, after which all verdicts are carried out:
 *   a     takes a seat, as old as the words say, at level 1
 *   a3    the same at level 3
 *   ab    both take seats before anything follows
 *   -a    leaves
 *   !a    a worker has it
 *   <a    takes a seat, but is older than all before
 */
typedef struct story {
    cleat_concurrency_strategy strategy;
    int32_t max_runs;
    const char *does;
    const char *holding, *waiting, *cancelled; /* in the end, by the alphabet; cancelled: in that order */
} story;

typedef struct stage {
    cleat__group group;
    cleat__claim claims[CLAIMANTS];
    cleat__seat seats[CLAIMANTS];
    char cancelled[64];
    int64_t now, before;
} stage;

static void carry_out(stage *s)
{
    cleat__seat *seat = NULL;
    cleat__verdict verdict;
    for (int left = 1000; (verdict = cleat__group_next(&s->group, &seat)) != CLEAT__VERDICT_NONE; left--) {
        assert_true(left > 0); /* it ends */
        switch (verdict) {
        case CLEAT__VERDICT_NONE: break;
        case CLEAT__VERDICT_GRANT: assert_int_equal(cleat__group_grant(seat), CLEAT_OK); break;
        case CLEAT__VERDICT_TAKE_BACK: assert_int_equal(cleat__group_take_back(seat), CLEAT_OK); break;
        case CLEAT__VERDICT_CANCEL:
            cleat__group_leave(seat);
            s->cancelled[strlen(s->cancelled)] = (char)('a' + (seat - s->seats));
            break;
        }
    }
}

static void take_seat(stage *s, char name, char level, bool is_oldest)
{
    int at = name - 'a';
    s->claims[at] = (cleat__claim){.id = {{(uint8_t)name}}, .level = (uint8_t)(level - '0')};
    s->seats[at] = (cleat__seat){.group = &s->group,
                                 .claim = &s->claims[at],
                                 .arrived_ms = is_oldest ? --s->before : ++s->now,
                                 .takes_turns = true};
    assert_int_equal(cleat__group_join(&s->seats[at], false), CLEAT_OK);
}

static const char *act(stage *s, const char *word)
{
    bool is_oldest = *word == '<';
    word += is_oldest;
    if (*word == '-' || *word == '!') {
        cleat__seat *seat = &s->seats[word[1] - 'a'];
        if (*word == '-') {
            cleat__group_leave(seat);
        } else {
            cleat__group_taken(seat);
        }
        word += 2;
    }
    while (*word != '\0' && *word != ' ') {
        bool has_level = word[1] >= '0' && word[1] <= '9';
        take_seat(s, *word, has_level ? word[1] : '1', is_oldest);
        word += has_level ? 2 : 1;
    }
    carry_out(s);
    return *word == ' ' ? word + 1 : word;
}

static void list(const stage *s, cleat__seat_state state, char *text)
{
    for (int i = 0; i < CLAIMANTS; i++) {
        if (s->seats[i].group != NULL && s->seats[i].state == state) {
            *text++ = (char)('a' + i);
        }
    }
    *text = '\0';
}

static void tell(const story *one)
{
    stage s = {.before = 0};
    char holding[64], waiting[64];
    cleat__group_init(&s.group, one->strategy, one->max_runs);
    const char *word = one->does;
    while (*word != '\0') {
        word = act(&s, word);
    }
    list(&s, CLEAT__SEAT_HOLDING, holding);
    list(&s, CLEAT__SEAT_WAITING, waiting);
    if (strcmp(holding, one->holding) != 0 || strcmp(waiting, one->waiting) != 0 ||
        strcmp(s.cancelled, one->cancelled) != 0) {
        fail_msg("%s of %d, \"%s\": \"%s\" hold, \"%s\" wait, \"%s\" were cancelled",
                 cleat__concurrency_strategy_name(one->strategy), one->max_runs, one->does, holding, waiting,
                 s.cancelled);
    }
    cleat__group_deinit(&s.group);
}

static void test_strategies(void **state)
{
    (void)state;
    static const story stories[] = {
        /* The newest hold, whether the older ones run or not. */
        {CLEAT_CANCEL_IN_PROGRESS, 1, "a", "a", "", ""},
        {CLEAT_CANCEL_IN_PROGRESS, 1, "a !a b", "b", "", "a"},
        {CLEAT_CANCEL_IN_PROGRESS, 1, "a b c", "c", "", "ab"},
        {CLEAT_CANCEL_IN_PROGRESS, 1, "abc", "c", "", "ab"},
        {CLEAT_CANCEL_IN_PROGRESS, 2, "a b c", "bc", "", "a"},
        {CLEAT_CANCEL_IN_PROGRESS, 2, "a b -a c", "bc", "", ""},
        {CLEAT_CANCEL_IN_PROGRESS, 1, "a <b", "a", "", "b"},  /* a retry after a back-off */
        {CLEAT_CANCEL_IN_PROGRESS, 1, "a3 b1", "b", "", "a"}, /* priority is no matter */
        /* The oldest do. */
        {CLEAT_CANCEL_NEWEST, 1, "a b", "a", "", "b"},
        {CLEAT_CANCEL_NEWEST, 1, "abc", "a", "", "cb"},
        {CLEAT_CANCEL_NEWEST, 2, "a b c -a d", "bd", "", "c"},
        {CLEAT_CANCEL_NEWEST, 1, "a <b", "b", "", "a"},
        /* The others wait. One that holds a slot and waits for a worker is passed by what goes first. */
        {CLEAT_GROUP_ROUND_ROBIN, 1, "a b c", "a", "bc", ""},
        {CLEAT_GROUP_ROUND_ROBIN, 1, "a !a b c -a", "b", "c", ""},
        {CLEAT_GROUP_ROUND_ROBIN, 1, "a !a b c3 -a", "c", "b", ""},
        {CLEAT_GROUP_ROUND_ROBIN, 1, "a b3", "b", "a", ""},
        {CLEAT_GROUP_ROUND_ROBIN, 1, "a !a b3", "a", "b", ""},
        {CLEAT_GROUP_ROUND_ROBIN, 1, "a b4 c3", "b", "ac", ""},
        {CLEAT_GROUP_ROUND_ROBIN, 2, "a b", "a", "b", ""}, /* one at a time waits for a worker */
        {CLEAT_GROUP_ROUND_ROBIN, 2, "a b !a", "ab", "", ""},
        {CLEAT_GROUP_ROUND_ROBIN, 2, "a b c !a !b", "ab", "c", ""},
        {CLEAT_GROUP_ROUND_ROBIN, 2, "a b c !a !b -a", "bc", "", ""},
        {CLEAT_GROUP_ROUND_ROBIN, 2, "a b c -a", "b", "c", ""},
        {CLEAT_GROUP_ROUND_ROBIN, 1, "a b -b", "a", "", ""},
        /* Of those that wait one is kept. */
        {CLEAT_CANCEL_QUEUED_EXCEPT_NEWEST, 1, "a b c d", "a", "d", "bc"},
        {CLEAT_CANCEL_QUEUED_EXCEPT_NEWEST, 1, "abcd", "a", "d", "bc"},
        {CLEAT_CANCEL_QUEUED_EXCEPT_NEWEST, 1, "a b c -a d", "c", "d", "b"},
        {CLEAT_CANCEL_QUEUED_EXCEPT_NEWEST, 2, "a b c d", "ab", "d", "c"},
        {CLEAT_CANCEL_QUEUED_EXCEPT_OLDEST, 1, "a b c d", "a", "b", "cd"},
        {CLEAT_CANCEL_QUEUED_EXCEPT_OLDEST, 1, "abc", "a", "b", "c"},
        {CLEAT_CANCEL_QUEUED_EXCEPT_OLDEST, 1, "a b -a c", "b", "c", ""},
        {CLEAT_CANCEL_QUEUED_EXCEPT_OLDEST, 1, "a b <c", "a", "c", "b"},
    };
    for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
        tell(&stories[i]);
    }
}

/* What a seat is not for, does nothing. */
static void test_an_empty_seat_is_left_for_nothing(void **state)
{
    (void)state;
    stage s = {.before = 0};
    cleat__group_init(&s.group, CLEAT_GROUP_ROUND_ROBIN, 1);
    act(&s, "a");
    cleat__group_leave(&s.seats[0]);
    cleat__group_leave(&s.seats[0]);
    assert_false(cleat__group_taken(&s.seats[0]));
    assert_int_equal(s.group.holding.count + s.group.waiting.count, 0);
    assert_null(s.group.offered);
    cleat__group_deinit(&s.group);
}

/* Who ran before a restart holds a slot, be there as many as there may. */
static void test_one_that_holds_a_slot_already_takes_it(void **state)
{
    (void)state;
    stage s = {.before = 0};
    cleat__group_init(&s.group, CLEAT_GROUP_ROUND_ROBIN, 1);
    for (int i = 0; i < 2; i++) {
        s.seats[i] = (cleat__seat){.group = &s.group, .claim = &s.claims[i], .arrived_ms = i};
        assert_int_equal(cleat__group_join(&s.seats[i], true), CLEAT_OK);
    }
    act(&s, "c");
    assert_int_equal(s.group.holding.count, 2);
    act(&s, "-a");
    assert_int_equal(s.seats[2].state, CLEAT__SEAT_WAITING);
    act(&s, "-b");
    assert_int_equal(s.seats[2].state, CLEAT__SEAT_HOLDING);
    cleat__group_deinit(&s.group);
}

/* ---- Declarations ---- */

static cleat__concurrency rule(const char *expression, int32_t max_runs, int strategy)
{
    return (cleat__concurrency){.expression = cleat_slice_of(expression),
                                .max_runs = max_runs,
                                .strategy = (cleat_concurrency_strategy)strategy};
}

static void test_checks(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        int32_t max_runs;
        int strategy;
        const char *says; /* NULL: it is right */
    } cases[] = {
        {"input.id", 1, CLEAT_GROUP_ROUND_ROBIN, NULL},
        {"'all'", 10000, CLEAT_CANCEL_IN_PROGRESS, NULL},
        {"additional_metadata.k + workflow_run_id", 1, CLEAT_CANCEL_QUEUED_EXCEPT_OLDEST, NULL},
        {"input.id", 0, CLEAT_GROUP_ROUND_ROBIN, "max_runs is 0; it must be 1 .. 10000"},
        {"input.id", -1, CLEAT_GROUP_ROUND_ROBIN, "max_runs is -1; it must be 1 .. 10000"},
        {"input.id", 10001, CLEAT_GROUP_ROUND_ROBIN, "max_runs is 10001; it must be 1 .. 10000"},
        {"input.id", 1, 1, "strategy 1 is not supported"},
        {"input.id", 1, 7, "strategy 7 is not supported"},
        {"", 1, CLEAT_GROUP_ROUND_ROBIN, "concurrency: "},
        {"input.", 1, CLEAT_GROUP_ROUND_ROBIN, "concurrency: "},
        {"inputs.id", 1, CLEAT_GROUP_ROUND_ROBIN, "inputs"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__concurrency one = rule(cases[i].expression, cases[i].max_runs, cases[i].strategy);
        cleat_status status = cleat__concurrency_check(&one, 1);
        assert_int_equal(status, cases[i].says != NULL ? CLEAT_INVALID_ARGUMENT : CLEAT_OK);
        if (cases[i].says != NULL && strstr(cleat_error_message(), cases[i].says) == NULL) {
            fail_msg("%s: %s", cases[i].expression, cleat_error_message());
        }
    }
    cleat__concurrency many[CLEAT__CONCURRENCY_RULES_MAX + 1];
    for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
        many[i] = rule("'k'", 1, CLEAT_GROUP_ROUND_ROBIN);
    }
    assert_int_equal(cleat__concurrency_check(many, CLEAT__CONCURRENCY_RULES_MAX), CLEAT_OK);
    assert_int_equal(cleat__concurrency_check(many, CLEAT__CONCURRENCY_RULES_MAX + 1),
                     CLEAT_INVALID_ARGUMENT);
}

static void test_rules_come_back_from_their_text(void **state)
{
    (void)state;
    cleat__concurrency rules[] = {rule("input.a == \"x\" ? 'a' : 'b'", 3, CLEAT_GROUP_ROUND_ROBIN),
                                  rule("'\\u00e9'", 1, CLEAT_CANCEL_IN_PROGRESS)};
    rules[1].max_runs_expression = cleat_slice_of("input.n");
    rules[0].name = cleat_slice_of("both");
    cleat__buffer text = {0};
    cleat__concurrency_encode(rules, 2, &text);
    cleat_slice slice = cleat__buffer_slice(&text);
    json_t *array = json_loadb(slice.data, slice.size, 0, NULL);
    assert_non_null(array);
    cleat__concurrency_list *list = NULL;
    assert_int_equal(cleat__concurrency_decode(array, array, &list), CLEAT_OK);
    assert_int_equal(list->count, 4);
    for (size_t i = 0; i < list->count; i++) {
        const cleat__concurrency *given = &rules[i % 2], *read = &list->items[i];
        assert_true(cleat_slice_equals(read->expression, given->expression));
        assert_int_equal(read->max_runs, given->max_runs);
        assert_true(cleat_slice_equals(read->max_runs_expression, given->max_runs_expression));
        assert_int_equal(read->max_runs_expression.data == NULL, given->max_runs_expression.data == NULL);
        assert_true(cleat_slice_equals(read->name, given->name));
        assert_int_equal(read->name.data == NULL, given->name.data == NULL);
        assert_int_equal(read->strategy, given->strategy);
        assert_int_equal(read->is_of_workflow, i < 2);
    }
    cleat__free(list);
    assert_int_equal(cleat__concurrency_decode(NULL, NULL, &list), CLEAT_OK);
    assert_null(list);
    json_decref(array);
    cleat__buffer_deinit(&text);
}

static void test_a_text_that_is_no_rule_is_corrupt(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "[1]",
        "[{\"expression\":1,\"max_runs\":1,\"strategy\":0}]",
        "[{\"expression\":\"'a'\",\"max_runs\":0,\"strategy\":0}]",
        "[{\"expression\":\"'a'\",\"max_runs\":1,\"strategy\":2}]",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        json_t *array = json_loads(texts[i], 0, NULL);
        cleat__concurrency_list *list = NULL;
        assert_non_null(array);
        assert_int_equal(cleat__concurrency_decode(NULL, array, &list), CLEAT_CORRUPT);
        assert_null(list);
        json_decref(array);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strategies),
        cmocka_unit_test(test_an_empty_seat_is_left_for_nothing),
        cmocka_unit_test(test_one_that_holds_a_slot_already_takes_it),
        cmocka_unit_test(test_checks),
        cmocka_unit_test(test_rules_come_back_from_their_text),
        cmocka_unit_test(test_a_text_that_is_no_rule_is_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
