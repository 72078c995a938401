#include "transport/grpc_link.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "grpc/credentials.h"
#include "grpc/library.h"
#include "transport/grpc_call.h"
#include "transport/grpc_stream.h"
#include "wire/status.h"

#include <grpc/grpc_security.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    KEEPALIVE_TIME_MS = 10000,
    KEEPALIVE_TIMEOUT_MS = 60000,
};

/* ---- Timers ---- */

void cleat__link_timer_unset(cleat__link *link, cleat__link_timer *timer)
{
    if (timer->is_set) {
        *(timer->previous != NULL ? &timer->previous->next : &link->timers) = timer->next;
        if (timer->next != NULL) {
            timer->next->previous = timer->previous;
        }
        timer->is_set = false;
    }
}

static void wake_thread(cleat__link *link)
{
    if (!link->is_waking && grpc_call_start_batch(link->waker, NULL, 0, cleat__completion_tag(&link->wake),
                                                  NULL) == GRPC_CALL_OK) {
        link->is_waking = true;
    }
}

void cleat__link_timer_set(cleat__link *link, cleat__link_timer *timer, int64_t due_ns)
{
    cleat__link_timer_unset(link, timer);
    if (link->is_closing) {
        return;
    }
    timer->due_ns = due_ns;
    timer->is_set = true;
    timer->previous = NULL;
    timer->next = link->timers;
    if (timer->next != NULL) {
        timer->next->previous = timer;
    }
    link->timers = timer;
    if (due_ns < link->waits_until_ns) {
        wake_thread(link);
    }
}

static cleat__link_timer *first_timer(const cleat__link *link)
{
    cleat__link_timer *first = link->timers;
    for (cleat__link_timer *it = first; it != NULL; it = it->next) {
        first = it->due_ns < first->due_ns ? it : first;
    }
    return first;
}

void cleat__link_log(cleat__link *link, cleat__log_site *site, cleat_log_level level, const char *format, ...)
{
    if (link->said.is_set || !cleat__log_enabled(level)) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(link->said.text, sizeof(link->said.text), format, arguments);
    va_end(arguments);
    link->said.is_set = true;
    link->said.site = site;
    link->said.level = level;
}

/* Gives the mutex away meanwhile. False: there was nothing to say. */
static bool say(cleat__link *link)
{
    if (!link->said.is_set) {
        return false;
    }
    const cleat__link_said said = link->said;
    link->said.is_set = false;
    pthread_mutex_unlock(&link->mutex);
    if (said.site != NULL) {
        cleat__log_limited(said.site, said.level, "%s", said.text);
    } else {
        cleat__log(said.level, "%s", said.text);
    }
    pthread_mutex_lock(&link->mutex);
    return true;
}

/* The one that is due next, and not yet. */
static const cleat__link_timer *run_timers(cleat__link *link)
{
    cleat__link_timer *timer = first_timer(link);
    while (timer != NULL && timer->due_ns <= cleat__clock_monotonic_ns(NULL)) {
        cleat__link_timer_unset(link, timer);
        timer->run(timer);
        timer = first_timer(link);
    }
    return timer;
}

static int64_t before_wait(void *user_data)
{
    cleat__link *link = user_data;
    const cleat__link_timer *timer;
    pthread_mutex_lock(&link->mutex);
    link->waits_until_ns = 0; /* timers that are set now wake nobody */
    do {
        timer = run_timers(link);
    } while (say(link));
    int64_t until_ns = timer != NULL ? timer->due_ns : INT64_MAX;
    link->waits_until_ns = until_ns;
    pthread_mutex_unlock(&link->mutex);
    return until_ns;
}

static void woken(cleat__completion *self, bool is_ok)
{
    cleat__link *link = (cleat__link *)(void *)((char *)self - offsetof(cleat__link, wake));
    (void)is_ok;
    pthread_mutex_lock(&link->mutex);
    link->is_waking = false;
    pthread_cond_broadcast(&link->changed);
    pthread_mutex_unlock(&link->mutex);
}

int64_t cleat__link_back_off_ms(const cleat__link *link, int64_t first_ms, int64_t max_ms, unsigned failures)
{
    int64_t delay_ms = first_ms;
    for (unsigned i = 0; i < failures && delay_ms < max_ms; i++) {
        delay_ms *= 2;
    }
    uint64_t jitter = (uint64_t)link->settings.retry_jitter_ms + 1;
    return (delay_ms < max_ms ? delay_ms : max_ms) +
           (int64_t)cleat__random_below(cleat__random_thread(), jitter);
}

const char *cleat__link_hint(const char *text)
{
    return strstr(text, "wrong version number") != NULL
               ? "it speaks no TLS: set HATCHET_CLIENT_TLS_STRATEGY=none"
               : text;
}

cleat_status cleat__link_fail(const cleat__link *link, int code, const char *text)
{
    cleat_status status = cleat__status_of_grpc(code);
    const char *address = link->settings.address;
    switch (code) {
    case GRPC_STATUS_UNAVAILABLE:
        return cleat__fail(status, "cannot reach the server at %s: %s", address, cleat__link_hint(text));
    case GRPC_STATUS_DEADLINE_EXCEEDED:
        return cleat__fail(status, "the server at %s does not answer in time", address);
    case GRPC_STATUS_UNAUTHENTICATED:
    case GRPC_STATUS_PERMISSION_DENIED:
        return cleat__fail(status, "the server at %s does not accept the token: %s", address, text);
    case GRPC_STATUS_CANCELLED:
        return cleat__fail(CLEAT_UNAVAILABLE, "the call to %s was cancelled: %s", address, text);
    default: return cleat__fail(status, "%s", text[0] != '\0' ? text : cleat_status_text(status));
    }
}

/* ---- The channel ---- */

static grpc_arg integer_argument(const char *key, int64_t value)
{
    return (grpc_arg){.type = GRPC_ARG_INTEGER,
                      .key = (char *)(uintptr_t)key,
                      .value.integer = (int)(value < INT_MAX ? value : INT_MAX)};
}

static grpc_arg string_argument(const char *key, const char *value)
{
    return (grpc_arg){
        .type = GRPC_ARG_STRING, .key = (char *)(uintptr_t)key, .value.string = (char *)(uintptr_t)value};
}

static cleat_status make_credentials(const cleat__remote_settings *settings, grpc_channel_credentials **out)
{
    if (settings->tls == CLEAT__TLS_NONE) {
        *out = grpc_insecure_credentials_create();
        return CLEAT_OK;
    }
    cleat__pem pem;
    bool is_mutual = settings->tls == CLEAT__TLS_MUTUAL;
    cleat_status status =
        cleat__pem_read(&pem, settings->authorities_file, is_mutual ? settings->certificate_file : NULL,
                        is_mutual ? settings->key_file : NULL);
    if (status != CLEAT_OK) {
        return status;
    }
    *out = cleat__grpc_tls_credentials(&pem);
    cleat__pem_deinit(&pem);
    return *out != NULL
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT,
                             "gRPC does not accept the certificates or the key for %s", settings->address);
}

static cleat_status make_channel(cleat__link *link)
{
    const cleat__remote_settings *settings = &link->settings;
    grpc_channel_credentials *credentials = NULL;
    cleat_status status = make_credentials(settings, &credentials);
    if (status != CLEAT_OK) {
        return status;
    }
    char agent[64] = "cleat/";
    strncat(agent, cleat_version(), sizeof(agent) - strlen(agent) - 1);
    grpc_arg arguments[] = {
        string_argument(GRPC_ARG_PRIMARY_USER_AGENT_STRING, agent),
        integer_argument(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, settings->max_receive_size),
        integer_argument(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, settings->max_send_size),
        integer_argument(GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_TIME_MS),
        integer_argument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_TIMEOUT_MS),
        integer_argument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        integer_argument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0), /* or the pings end after two */
        integer_argument(GRPC_ARG_ENABLE_RETRIES, 0),               /* there is one who retries already */
        integer_argument(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),    /* a connection of its own */
        integer_argument(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, settings->reconnect_ms),
        integer_argument(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, settings->reconnect_max_ms),
        string_argument(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, settings->server_name), /* last: may be left out */
    };
    size_t count = sizeof(arguments) / sizeof(arguments[0]) - (settings->server_name == NULL);
    const grpc_channel_args all = {count, arguments};
    link->channel = grpc_channel_create(settings->address, credentials, &all);
    grpc_channel_credentials_release(credentials);
    return link->channel != NULL ? CLEAT_OK : cleat__fail_memory();
}

static cleat_status make_authorization(cleat__link *link)
{
    cleat__buffer value = {0};
    cleat__buffer_append_string(&value, "Bearer ");
    cleat__buffer_append_string(&value, link->settings.token);
    if (value.failed) {
        return cleat__fail_memory();
    }
    link->authorization =
        (grpc_metadata){.key = grpc_slice_from_static_string("authorization"),
                        .value = grpc_slice_from_copied_buffer((const char *)value.data, value.size)};
    cleat__buffer_deinit(&value);
    return CLEAT_OK;
}

/* ---- Life ---- */

static void ended(void *user_data)
{
    (void)user_data; /* it is joined */
}

static cleat_status start(cleat__link *link)
{
    cleat_status status = make_channel(link);
    if (status == CLEAT_OK) {
        status = make_authorization(link);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    link->thread.before_wait = before_wait;
    link->thread.at_end = ended;
    link->thread.user_data = link;
    status = cleat__completion_thread_start(&link->thread, "cleat-client");
    if (status == CLEAT_OK) {
        pthread_mutex_lock(&link->mutex);
        link->waker = grpc_channel_create_call(link->channel, NULL, 0, link->thread.queue,
                                               grpc_slice_from_static_string("/"), NULL,
                                               cleat__grpc_deadline(INT64_MAX), NULL);
        pthread_mutex_unlock(&link->mutex);
    }
    return status;
}

static void deinit(cleat__link *link)
{
    grpc_slice_unref(link->authorization.value);
    if (link->channel != NULL) {
        grpc_channel_destroy(link->channel);
    }
    cleat__grpc_end();
    pthread_cond_destroy(&link->changed);
    pthread_mutex_destroy(&link->mutex);
    cleat__remote_settings_deinit(&link->settings);
    cleat__free(link);
}

cleat_status cleat__link_new(cleat__remote_settings *settings, cleat__link **out)
{
    *out = NULL;
    cleat_status status = cleat__grpc_begin();
    if (status != CLEAT_OK) {
        cleat__remote_settings_deinit(settings);
        return status;
    }
    cleat__link *link = cleat__calloc(1, sizeof(*link));
    if (link == NULL) {
        cleat__remote_settings_deinit(settings);
        cleat__grpc_end();
        return cleat__fail_memory();
    }
    link->settings = *settings;
    *settings = (cleat__remote_settings){0};
    link->authorization.value = grpc_empty_slice();
    link->wake.run = woken;
    pthread_mutex_init(&link->mutex, NULL);
    cleat__cond_init(&link->changed);
    status = start(link);
    if (status != CLEAT_OK) {
        deinit(link);
        return status;
    }
    *out = link;
    return CLEAT_OK;
}

void cleat__link_close(cleat__link *link)
{
    pthread_mutex_lock(&link->mutex);
    link->is_closing = true;
    while (link->timers != NULL) {
        cleat__link_timer_unset(link, link->timers);
    }
    cleat__calls_cancel(link, NULL);
    cleat__rpc_streams_cancel(link);
    pthread_cond_broadcast(&link->changed); /* for those who wait for their next try */
    pthread_mutex_unlock(&link->mutex);
}

void cleat__link_cancel(cleat__link *link, const char *path)
{
    cleat__calls_cancel(link, path);
    pthread_cond_broadcast(&link->changed); /* for those who wait for their next try */
}

void cleat__link_stop(cleat__link *link)
{
    pthread_mutex_lock(&link->mutex);
    while (link->calls != NULL || link->streams != NULL || link->is_waking || link->callers != 0) {
        (void)cleat__cond_wait_until(&link->changed, &link->mutex, INT64_MAX);
    }
    pthread_mutex_unlock(&link->mutex);
    grpc_call_unref(link->waker);
    cleat__completion_thread_close(&link->thread);
    pthread_join(link->thread.thread, NULL);
}

void cleat__link_free(cleat__link *link)
{
    if (link != NULL) {
        deinit(link);
    }
}
