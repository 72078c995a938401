/*
 * A million tickets, each a run or more, of a skewed mix (mix.h), from three tenants, while `cleat serve` and the workers,
 * processes of their own, are killed again and again; nothing may be lost, and nothing be there twice.
 *
 *     nightly [--runs N] [--kills N] [--seed N] [--db FILE]
 *
 * The file must be new. Kills come when so many tickets have been taken, as the seed says; two of five are of the server,
 * of which a quarter is no kill but SIGTERM. At the end the file is compared with what the clients were told (audit.h).
 * tests/nightly/run runs it and checks the file.
 */
#include "audit.h"
#include "mix.h"
#include "processes.h"
#include "work.h"

#include <cleat/cleat.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    TENANTS = 3,
    LOOK_MS = 20,
    TELL_MS = 5000,
    STUCK_MS = 240000, /* nothing has ended for so long */
    LIMIT = 1000,      /* of the limited tasks, in a second */
};

/* Of a hundred tickets, and how many workers. */
static const struct {
    const char *name;
    int share, workers;
} tenant_kinds[TENANTS] = {{"default", 80, 2}, {"acme", 15, 1}, {"tiny", 5, 1}};

typedef struct nightly {
    int64_t runs, kills, seed;
    processes processes;
    nightly_tenant tenants[TENANTS];
    char tokens[TENANTS][TOKEN_SIZE];
    pthread_t threads[TENANTS];
    uint64_t random;
    int64_t server_kills, server_stops, worker_kills, worker_ends;
    int64_t began_ms, told_ms;
} nightly;

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_ms(int64_t ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* 0 .. bound - 1 (xorshift64*). */
static int64_t draw(nightly *it, int64_t bound)
{
    it->random ^= it->random >> 12;
    it->random ^= it->random << 25;
    it->random ^= it->random >> 27;
    return (int64_t)((it->random * UINT64_C(2685821657736338717)) >> 33) % bound;
}

/* ---- Beginning ---- */

static bool read_options(int argc, char **argv, nightly *it)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        int64_t value = strtoll(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--db") == 0) {
            it->processes.database = argv[i + 1];
        } else if (strcmp(argv[i], "--runs") == 0) {
            it->runs = value;
        } else if (strcmp(argv[i], "--kills") == 0) {
            it->kills = value;
        } else if (strcmp(argv[i], "--seed") == 0) {
            it->seed = value;
        } else {
            return false;
        }
    }
    it->random = (uint64_t)it->seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    return argc % 2 == 1 && it->runs >= 100 && it->kills >= 0 && it->kills < it->runs && it->seed >= 0;
}

static void put_limit(const nightly_tenant *tenant)
{
    cleat_client *client = work_connect(tenant->token, tenant->grpc, tenant->http);
    if (client == NULL ||
        cleat_client_put_rate_limit(client, MIX_LIMIT, LIMIT, CLEAT_PER_SECOND) != CLEAT_OK) {
        give_up("a rate limit: %s", cleat_error_message());
    }
    cleat_client_free(client);
}

static void make_tenants(nightly *it)
{
    int64_t first = 0;
    nightly_ticket *tickets = calloc((size_t)it->runs, sizeof(*tickets));
    if (tickets == NULL) {
        give_up("no memory");
    }
    for (size_t i = 0; i < TENANTS; i++) {
        int64_t count = i < TENANTS - 1 ? it->runs * tenant_kinds[i].share / 100 : it->runs - first;
        token_create(&it->processes, tenant_kinds[i].name, it->tokens[i]);
        it->tenants[i] = (nightly_tenant){.name = tenant_kinds[i].name,
                                          .token = it->tokens[i],
                                          .grpc = it->processes.grpc,
                                          .http = it->processes.http,
                                          .first = first,
                                          .count = count,
                                          .tickets = tickets};
        first += count;
    }
}

static void begin(nightly *it)
{
    make_tenants(it);
    server_start(&it->processes);
    it->began_ms = now_ms();
    for (size_t i = 0; i < TENANTS; i++) {
        put_limit(&it->tenants[i]);
        for (int j = 0; j < tenant_kinds[i].workers; j++) {
            worker_add(&it->processes, it->tokens[i]);
        }
        if (pthread_create(&it->threads[i], NULL, tickets_trigger, &it->tenants[i]) != 0) {
            give_up("no thread");
        }
    }
}

/* ---- The way ---- */

static int64_t done(nightly *it)
{
    int64_t sum = 0;
    for (size_t i = 0; i < TENANTS; i++) {
        sum += atomic_load(&it->tenants[i].done);
    }
    return sum;
}

static int64_t unknown(nightly *it)
{
    int64_t sum = 0;
    for (size_t i = 0; i < TENANTS; i++) {
        sum += atomic_load(&it->tenants[i].unknown);
    }
    return sum;
}

static void tell(nightly *it)
{
    int64_t live, ended, now = now_ms();
    if (now - it->told_ms < TELL_MS) {
        return;
    }
    it->told_ms = now;
    audit_look(it->processes.database, &live, &ended);
    printf("%4" PRId64 " s: %" PRId64 " tickets taken, %" PRId64 " runs ended, %" PRId64
           " live; killed: server %" PRId64 ", workers %" PRId64 "\n",
           (now - it->began_ms) / 1000, done(it), ended, live, it->server_kills, it->worker_kills);
    fflush(stdout);
}

static void restart_server(nightly *it)
{
    if (draw(it, 4) == 0) {
        server_stop(&it->processes);
        it->server_stops++;
    } else {
        server_kill(&it->processes);
        it->server_kills++;
    }
    server_start(&it->processes);
}

static void kill_one(nightly *it)
{
    if (draw(it, 5) < 2) {
        restart_server(it);
    } else {
        worker_kill(&it->processes, (size_t)draw(it, (int64_t)it->processes.worker_count));
        it->worker_kills++;
    }
}

/* Until all tickets are taken: each kill at a random place of its own part of the way. */
static void go_on(nightly *it)
{
    for (int64_t i = 0; i <= it->kills; i++) {
        int64_t part = it->runs / (it->kills + 1);
        int64_t place = i < it->kills ? i * part + draw(it, part) : it->runs;
        while (done(it) < place) {
            pause_ms(LOOK_MS);
            it->worker_ends += (int64_t)workers_look(&it->processes);
            tell(it);
        }
        if (i < it->kills) {
            kill_one(it);
        }
    }
}

/* ---- The end ---- */

static void stop_crons(const nightly_tenant *tenant)
{
    cleat_cron_list list = {0};
    cleat_client *client = work_connect(tenant->token, tenant->grpc, tenant->http);
    cleat_status status = client != NULL ? cleat_client_list_crons(client, NULL, &list) : CLEAT_UNAVAILABLE;
    for (size_t i = 0; i < list.count && status == CLEAT_OK; i++) {
        status = cleat_client_enable_cron(client, &list.items[i].id, false);
    }
    if (status != CLEAT_OK || list.count != 1) {
        give_up("%zu crons of tenant %s: %s", list.count, tenant->name, cleat_error_message());
    }
    cleat_cron_list_deinit(&list);
    cleat_client_free(client);
}

static void wait_for_end(nightly *it)
{
    int64_t live = 1, ended = 0, last_ended = -1, since_ms = now_ms();
    while (live > 0) {
        pause_ms(10 * LOOK_MS);
        it->worker_ends += (int64_t)workers_look(&it->processes);
        tell(it);
        audit_look(it->processes.database, &live, &ended);
        if (ended != last_ended) {
            last_ended = ended;
            since_ms = now_ms();
        }
        if (now_ms() - since_ms > STUCK_MS) {
            give_up("%" PRId64 " runs live, and none has ended for a while", live);
        }
    }
}

static void finish(nightly *it)
{
    for (size_t i = 0; i < TENANTS; i++) {
        while (!atomic_load(&it->tenants[i].is_through)) {
            pause_ms(LOOK_MS);
            tell(it);
        }
        stop_crons(&it->tenants[i]);
    }
    wait_for_end(it);
    for (size_t i = 0; i < TENANTS; i++) {
        atomic_store(&it->tenants[i].is_over, true);
        pthread_join(it->threads[i], NULL);
    }
    workers_stop(&it->processes);
    server_stop(&it->processes);
}

static void report(nightly *it, int64_t elapsed_ms, const audit_sums *sums, int64_t faults)
{
    struct stat file = {0};
    double seconds = (double)elapsed_ms / 1000;
    stat(it->processes.database, &file);
    printf("%" PRId64 " tickets, %" PRId64 " runs (%" PRId64 " children, %" PRId64
           " tasks of graphs, %" PRId64 " of crons), %" PRId64 " attempts\n",
           it->runs, sums->runs, sums->children, sums->parts, sums->ticks, sums->attempts);
    printf("completed %" PRId64 ", failed %" PRId64 ", cancelled %" PRId64 "\n",
           sums->by_status[CLEAT_RUN_COMPLETED], sums->by_status[CLEAT_RUN_FAILED],
           sums->by_status[CLEAT_RUN_CANCELLED]);
    printf("%.1f s, %.0f runs/s; file %.0f MiB\n", seconds, (double)sums->runs / seconds,
           (double)file.st_size / 1048576);
    printf("server killed %" PRId64 " times and stopped %" PRId64 ", workers killed %" PRId64 "; %" PRId64
           " workers ended by themselves; "
           "%" PRId64 " attempts given away again\n",
           it->server_kills, it->server_stops, it->worker_kills, it->worker_ends, sums->lost);
    printf("%" PRId64 " calls without an answer, which started %" PRId64 " runs more; at most %" PRId64
           " runs of a key at a time (limit %d)\n",
           unknown(it), sums->extra, sums->key_runs, MIX_KEY_RUNS);
    printf("%" PRId64 " runs were in %" PRId64 " batches\n", sums->batched, sums->batches);
    printf("%" PRId64 " faults (seed %" PRId64 ")\n", faults, it->seed);
}

int main(int argc, char **argv)
{
    static nightly it = {.runs = 1000000, .kills = 100, .seed = 1, .processes = {.database = "nightly.db"}};
    audit_sums sums;
    if (argc == 5 && strcmp(argv[1], "work") == 0) {
        return work(argv[2], argv[3], argv[4]);
    }
    it.processes.command = getenv("CLEAT");
    if (!read_options(argc, argv, &it) || it.processes.command == NULL) {
        fprintf(stderr, "usage: CLEAT=COMMAND nightly [--runs N] [--kills N] [--seed N] [--db FILE]\n");
        return 2;
    }
    begin(&it);
    go_on(&it);
    finish(&it);
    int64_t elapsed_ms = now_ms() - it.began_ms;
    int64_t faults = audit_file(it.processes.database, it.tenants, TENANTS, &sums);
    report(&it, elapsed_ms, &sums, faults);
    free(it.tenants[0].tickets);
    return faults == 0 ? 0 : 1;
}
