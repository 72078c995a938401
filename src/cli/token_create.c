#include "address.h"
#include "args.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "database.h"
#include "json_writer.h"
#include "lifetime.h"
#include "message.h"
#include "server/token_issue.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

typedef struct create_options {
    const char *db, *tenant, *name, *expires, *url, *grpc;
    bool json;
} create_options;

/* ---- Making it ---- */

/* The key that signs is in the file. */
static void warn_about_readers(const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0 && (info.st_mode & (S_IRGRP | S_IROTH)) != 0) {
        cleat__complain("%s can be read by other users, who could make tokens with it: chmod 600 it", path);
    }
}

static int print_token(const create_options *options, const cleat__token_issued *issued)
{
    if (!options->json) {
        printf("%s\n", issued->text);
        return cleat__finish_output();
    }
    cleat__json_writer writer = {0};
    char id[37], tenant[37];
    cleat__uuid_format(&issued->row.id, id);
    cleat__uuid_format(&issued->row.tenant_uuid, tenant);
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_string(&writer, "token", issued->text);
    cleat__writer_string(&writer, "id", id);
    cleat__writer_string(&writer, "tenant", issued->row.tenant_name);
    cleat__writer_string(&writer, "tenant_id", tenant);
    cleat__writer_time(&writer, "expires_at", issued->row.expires_at_ms);
    cleat__writer_end_object(&writer);
    return cleat__writer_print(&writer);
}

static int create(const create_options *options, const cleat__token_request *request)
{
    const char *path = cleat__database_path(options->db);
    cleat__store *store = NULL;
    cleat__token_issued issued = {0};
    umask(S_IRWXG | S_IRWXO); /* a file that is new is for its owner only */
    cleat_status status = cleat__store_open(path, CLEAT__STORE_SHARE, &store);
    if (status == CLEAT_OK) {
        status = cleat__token_issue(store, request, &issued);
    }
    cleat__store_close(store);
    if (status == CLEAT_INVALID_ARGUMENT) {
        return cleat__complain_usage("token create", "%s", cleat_error_message());
    }
    if (status != CLEAT_OK) {
        return cleat__complain_status(status);
    }
    warn_about_readers(path);
    if (issued.is_new_tenant) {
        cleat__complain("tenant %s is new", issued.row.tenant_name);
    }
    int code = print_token(options, &issued);
    cleat__token_issued_deinit(&issued);
    return code;
}

static int check_and_create(const create_options *options)
{
    char url[CLEAT__ADDRESS_ROOM];
    int64_t lifetime_ms = 0;
    if (!cleat__address_read_url(options->url, url)) {
        return cleat__complain_usage(
            "token create", "--url must be such as https://jobs.example.org:8733, not \"%s\"", options->url);
    }
    if (!cleat__address_is_grpc(options->grpc)) {
        return cleat__complain_usage("token create", "--grpc must be HOST:PORT, not \"%s\"", options->grpc);
    }
    if (!cleat__lifetime_parse(options->expires, &lifetime_ms)) {
        return cleat__complain_usage("token create", "--expires must be such as 90d or 12h, not \"%s\"",
                                     options->expires);
    }
    const cleat__token_request request = {
        .tenant = options->tenant,
        .name = options->name,
        .lifetime_ms = lifetime_ms,
        .server_url = url,
        .grpc_address = options->grpc,
        .now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS,
    };
    return create(options, &request);
}

int cleat__verb_token_create(const cleat__cli *cli, int argc, char **argv)
{
    create_options chosen = {
        .tenant = "default",
        .expires = "90d",
        .url = "http://127.0.0.1:8733",
        .grpc = "127.0.0.1:7077",
    };
    const cleat__option options[] = {
        CLEAT__OPTION_DB(&chosen.db),
        CLEAT__TEXT("tenant", "NAME", &chosen.tenant, "whose it is, made when new; default \"default\""),
        CLEAT__TEXT("expires", "TIME", &chosen.expires, "90d, 12h, 1d6h...; default 90d"),
        CLEAT__TEXT("name", "TEXT", &chosen.name, "what it is for, shown by token ls"),
        CLEAT__TEXT("grpc", "ADDRESS", &chosen.grpc, "HOST:PORT of the server; 127.0.0.1:7077"),
        CLEAT__TEXT("url", "URL", &chosen.url, "of its HTTP side; http://127.0.0.1:8733"),
        CLEAT__OPTION_JSON(&chosen.json),
    };
    const cleat__usage usage = {
        .verb = "token create",
        .operands = "",
        .summary = "Makes a token, which clients find in HATCHET_CLIENT_TOKEN, and prints it, once.",
        .more = "It says whose the client is (the tenant) and where the server is. The server\n"
                "may be running meanwhile; the file is made when it is missing.\n",
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    (void)cli;
    int code = cleat__args_parse(&usage, argc, argv, operands);
    return code != CLEAT__ARGS_GO ? code : check_and_create(&chosen);
}
