#include "transport/settings.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/env.h"
#include "base/error.h"
#include "base/log.h"
#include "base/uuid.h"
#include "transport/token_claims.h"

#include <inttypes.h>

enum {
    MESSAGE_SIZE_MIN = 1024,
    MESSAGE_SIZE_MAX = 64 * 1024 * 1024,
    MESSAGE_SIZE_DEFAULT = 4 * 1024 * 1024,
    CONNECT_TIMEOUT_MS = 30000,
    PREFIX_MAX = 100,
};

#define VARIABLE(name) "HATCHET_CLIENT_" name

bool cleat__remote_is_configured(const cleat_client_options *options)
{
    return options->token != NULL ||
           (options->database == NULL && cleat__env_get(VARIABLE("TOKEN")).size != 0);
}

cleat_status cleat__remote_check_choice(const cleat_client_options *options)
{
    bool names_server = options->host_port != NULL ||
                        (options->database == NULL && cleat__env_get(VARIABLE("HOST_PORT")).size != 0);
    if (!names_server || cleat__remote_is_configured(options)) {
        return CLEAT_OK;
    }
    return cleat__fail(
        CLEAT_INVALID_ARGUMENT,
        "%s names a server, but there is no token for it: set " VARIABLE("TOKEN") " (cleat token "
                                                                                  "create makes one)",
        options->host_port != NULL ? "host_port" : VARIABLE("HOST_PORT"));
}

void cleat__remote_settings_deinit(cleat__remote_settings *settings)
{
    char *texts[] = {
        settings->token,    settings->address,     settings->authorities_file, settings->certificate_file,
        settings->key_file, settings->server_name, settings->tenant_id,        settings->api_url,
        settings->prefix};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        cleat__free(texts[i]);
    }
    *settings = (cleat__remote_settings){0};
}

/* ---- Single values ---- */

/* What was said, and by whom. */
typedef struct source {
    const char *name; /* of the option or the variable */
    cleat_slice value;
} source;

static source find(const char *option, const char *option_name, const char *variable)
{
    if (option != NULL) {
        return (source){option_name, cleat_slice_of(option)};
    }
    return (source){variable, cleat__env_get(variable)};
}

static cleat_status take(source from, char **out)
{
    if (from.value.size == 0) {
        return CLEAT_OK;
    }
    *out = cleat__slice_dup(from.value);
    return *out != NULL ? CLEAT_OK : cleat__fail_memory();
}

static cleat_status read_text(const char *option, const char *option_name, const char *variable, char **out)
{
    return take(find(option, option_name, variable), out);
}

static cleat_status check_size(const char *name, int64_t value)
{
    if (value < MESSAGE_SIZE_MIN || value > MESSAGE_SIZE_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is %" PRId64 "; it must be %d .. %d bytes", name,
                           value, MESSAGE_SIZE_MIN, MESSAGE_SIZE_MAX);
    }
    return CLEAT_OK;
}

static cleat_status read_size(int64_t option, const char *option_name, const char *variable, int64_t *out)
{
    cleat_slice text = cleat__env_get(variable);
    int64_t value = 0;
    *out = option != 0 ? option : MESSAGE_SIZE_DEFAULT;
    if (option != 0) {
        return check_size(option_name, option);
    }
    if (text.size == 0) {
        return CLEAT_OK;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || value > MESSAGE_SIZE_MAX) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT,
                               "%s is \"%.*s\"; it must be a number of bytes, %d .. %d", variable,
                               CLEAT_SLICE_ARGS(text), MESSAGE_SIZE_MIN, MESSAGE_SIZE_MAX);
        }
        value = value * 10 + (text.data[i] - '0');
    }
    *out = value;
    return check_size(variable, value);
}

static cleat_status read_strategy(const char *option, cleat__tls_strategy *out)
{
    static const char *const names[] = {
        [CLEAT__TLS] = "tls", [CLEAT__TLS_MUTUAL] = "mtls", [CLEAT__TLS_NONE] = "none"};
    source from = find(option, "tls_strategy", VARIABLE("TLS_STRATEGY"));
    *out = CLEAT__TLS;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (from.value.size == 0 || cleat__env_is(from.value, names[i])) {
            *out = from.value.size == 0 ? CLEAT__TLS : (cleat__tls_strategy)i;
            return CLEAT_OK;
        }
    }
    return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is \"%.*s\"; it must be tls, mtls or none", from.name,
                       CLEAT_SLICE_ARGS(from.value));
}

/* ---- The address ---- */

static bool is_port(const char *text)
{
    long value = 0;
    size_t digits = 0;
    for (; text[digits] >= '0' && text[digits] <= '9' && digits < 6; digits++) {
        value = value * 10 + (text[digits] - '0');
    }
    return digits != 0 && text[digits] == '\0' && value >= 1 && value <= 65535;
}

static cleat_status check_address(const char *name, const char *address)
{
    const char *colon = strrchr(address, ':');
    if (strstr(address, "://") != NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is \"%s\"; it must be host:port, without a scheme",
                           name, address);
    }
    if (colon == NULL || colon == address || !is_port(colon + 1)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is \"%s\"; it must be host:port", name, address);
    }
    return CLEAT_OK;
}

static cleat_status read_address(const cleat_client_options *options, const cleat__token_claims *claims,
                                 char **out)
{
    source from = find(options->host_port, "host_port", VARIABLE("HOST_PORT"));
    if (from.value.size == 0 && claims->grpc_address != NULL) {
        from = (source){"grpc_broadcast_address of the token", cleat_slice_of(claims->grpc_address)};
    }
    if (from.value.size == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "the token does not say where the server is: set " VARIABLE("HOST_PORT"));
    }
    cleat_status status = take(from, out);
    return status == CLEAT_OK ? check_address(from.name, *out) : status;
}

/* ---- Names ---- */

static char lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character | 0x20) : character;
}

static cleat_status read_prefix(const char *option, char **out)
{
    source from = find(option, "namespace_prefix", VARIABLE("NAMESPACE"));
    cleat__buffer text = {0};
    for (size_t i = 0; i < from.value.size; i++) {
        char character = lower(from.value.data[i]);
        bool is_good = (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9') ||
                       character == '.' || character == '_' || character == '-';
        if (!is_good || i >= PREFIX_MAX) {
            cleat__buffer_deinit(&text);
            return cleat__fail(CLEAT_INVALID_ARGUMENT,
                               "%s is \"%.*s\"; it must be at most %d letters, digits, '.', '_' and '-'",
                               from.name, CLEAT_SLICE_ARGS(from.value), PREFIX_MAX);
        }
        cleat__buffer_append_byte(&text, (uint8_t)character);
    }
    if (text.size != 0 && text.data[text.size - 1] != '_') {
        cleat__buffer_append_byte(&text, '_');
    }
    *out = cleat__buffer_take_string(&text);
    return *out != NULL ? CLEAT_OK : cleat__fail_memory();
}

void cleat__remote_name(const cleat__remote_settings *settings, cleat_slice name, cleat__buffer *out)
{
    size_t size = strlen(settings->prefix);
    bool has_it = name.size >= size;
    for (size_t i = 0; has_it && i < size; i++) {
        has_it = lower(name.data[i]) == settings->prefix[i];
    }
    if (!has_it) {
        cleat__buffer_append_string(out, settings->prefix);
    }
    for (size_t i = 0; i < name.size; i++) {
        cleat__buffer_append_byte(out, (uint8_t)lower(name.data[i]));
    }
}

void cleat__remote_key(const cleat__remote_settings *settings, cleat_slice key, cleat__buffer *out)
{
    size_t size = strlen(settings->prefix);
    if (key.size < size || memcmp(key.data, settings->prefix, size) != 0) {
        cleat__buffer_append_string(out, settings->prefix);
    }
    cleat__buffer_append_slice(out, key);
}

/* ---- The HTTP side ---- */

static cleat_status check_url(const char *name, char *url)
{
    size_t size = strlen(url);
    bool has_scheme = strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
    if (!has_scheme || strpbrk(url, " ?#") != NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is \"%s\"; it must be http(s)://host:port", name, url);
    }
    while (size != 0 && url[size - 1] == '/') {
        url[--size] = '\0';
    }
    return CLEAT_OK;
}

static cleat_status read_api(const cleat_client_options *options, const cleat__token_claims *claims,
                             cleat__remote_settings *out)
{
    source from = find(options->api_url, "api_url", VARIABLE("API_URL"));
    if (from.value.size == 0) {
        from = find(NULL, NULL, VARIABLE("SERVER_URL"));
    }
    bool is_of_token = from.value.size == 0;
    if (is_of_token) {
        from = (source){"server_url of the token", cleat_slice_of(claims->server_url)};
    }
    source tenant = find(NULL, NULL, VARIABLE("TENANT_ID"));
    if (tenant.value.size == 0) {
        tenant = (source){"sub of the token", cleat_slice_of(claims->tenant_id)};
    }
    cleat__uuid id;
    if (tenant.value.size != 0 && cleat__uuid_parse(tenant.value, &id) != CLEAT_OK) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is \"%.*s\"; it must be a UUID", tenant.name,
                           CLEAT_SLICE_ARGS(tenant.value));
    }
    cleat_status status = take(tenant, &out->tenant_id);
    if (status == CLEAT_OK) {
        status = take(from, &out->api_url);
    }
    if (status != CLEAT_OK || out->api_url == NULL) {
        return status;
    }
    status = check_url(from.name, out->api_url);
    if (status != CLEAT_OK && is_of_token) { /* most programs never need it */
        cleat__free(out->api_url);
        out->api_url = NULL;
        status = CLEAT_OK;
    }
    return status;
}

/* ---- All ---- */

static cleat_status check_files(const cleat__remote_settings *settings)
{
    bool has_pair = settings->certificate_file != NULL && settings->key_file != NULL;
    if (settings->tls == CLEAT__TLS_MUTUAL && !has_pair) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "mutual TLS needs a certificate and its key: set " VARIABLE(
                               "TLS_CERT_FILE") " and " VARIABLE("TLS_KEY_FILE"));
    }
    return CLEAT_OK;
}

static cleat_status read_tls(const cleat_client_options *options, cleat__remote_settings *out)
{
    cleat_status status = read_strategy(options->tls_strategy, &out->tls);
    if (status == CLEAT_OK) {
        status = read_text(options->tls_cert_file, "tls_cert_file", VARIABLE("TLS_CERT_FILE"),
                           &out->certificate_file);
    }
    if (status == CLEAT_OK) {
        status = read_text(options->tls_key_file, "tls_key_file", VARIABLE("TLS_KEY_FILE"), &out->key_file);
    }
    if (status == CLEAT_OK) {
        status = read_text(options->tls_root_ca_file, "tls_root_ca_file", VARIABLE("TLS_ROOT_CA_FILE"),
                           &out->authorities_file);
    }
    if (status == CLEAT_OK) {
        status = read_text(options->tls_server_name, "tls_server_name", VARIABLE("TLS_SERVER_NAME"),
                           &out->server_name);
    }
    return status == CLEAT_OK ? check_files(out) : status;
}

static cleat_status read_numbers(const cleat_client_options *options, cleat__remote_settings *out)
{
    cleat_status status = read_size(options->grpc_max_recv_message_length, "grpc_max_recv_message_length",
                                    VARIABLE("GRPC_MAX_RECV_MESSAGE_LENGTH"), &out->max_receive_size);
    if (status == CLEAT_OK) {
        status = read_size(options->grpc_max_send_message_length, "grpc_max_send_message_length",
                           VARIABLE("GRPC_MAX_SEND_MESSAGE_LENGTH"), &out->max_send_size);
    }
    out->connect_timeout_ms =
        options->connect_timeout_ms != 0 ? options->connect_timeout_ms : CONNECT_TIMEOUT_MS;
    return status;
}

static cleat_status read_token(const cleat_client_options *options, cleat__token_claims *claims, char **out)
{
    source from = find(options->token, "token", VARIABLE("TOKEN"));
    if (from.value.size == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is empty", from.name);
    }
    cleat_status status = cleat__token_claims_read(from.value, claims);
    if (status == CLEAT_INVALID_ARGUMENT) {
        return cleat__fail(status, "%s: %s", from.name, cleat_error_message());
    }
    /* The clock of this machine may be wrong: the server decides, but not in so many words. */
    int64_t now_s = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_S;
    if (status == CLEAT_OK && claims->expires_at_s != 0 && claims->expires_at_s <= now_s) {
        cleat__log(CLEAT_LOG_WARN, "%s expired %" PRId64 " hours ago: the server will not accept it",
                   from.name, (now_s - claims->expires_at_s) / 3600);
    }
    return status == CLEAT_OK ? take(from, out) : status;
}

static const cleat__remote_settings defaults = {
    .call_timeout_ms = 30000,
    .greeting_ms = 5000,
    .heartbeat_ms = 4000,
    .heartbeat_timeout_ms = 5000,
    .retry_ms = 100,
    .retry_jitter_ms = 100,
    .tries = 8,
    .reconnect_ms = 100,
    .reconnect_max_ms = 5000,
    .durable_reconnect_ms = 3000,
    .durable_grace_ms = 500,
    .gather_ms = 1000,
    .flush_ms = 10000,
};

cleat_status cleat__remote_settings_read(const cleat_client_options *options, cleat__remote_settings *out)
{
    cleat__token_claims claims = {0};
    *out = defaults;
    cleat_status status = read_token(options, &claims, &out->token);
    if (status == CLEAT_OK) {
        status = read_address(options, &claims, &out->address);
    }
    if (status == CLEAT_OK) {
        status = read_api(options, &claims, out);
    }
    if (status == CLEAT_OK) {
        status = read_tls(options, out);
    }
    if (status == CLEAT_OK) {
        status = read_prefix(options->namespace_prefix, &out->prefix);
    }
    if (status == CLEAT_OK) {
        status = read_numbers(options, out);
    }
    cleat__token_claims_deinit(&claims);
    if (status != CLEAT_OK) {
        cleat__remote_settings_deinit(out);
    }
    return status;
}
