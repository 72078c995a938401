/* Resource detectors: the built-in ones, one's own, and how they are chosen. */
#include "sdk_test.h"

#include "trace/resource_parts.h"

#include <sys/wait.h>
#include <unistd.h>

#define VARIABLE "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"

static char last_warning[1024];
static int warnings;

static void keep_warning(void *user_data, cleat_log_level level, const char *message)
{
    (void)user_data;
    warnings += level == CLEAT_LOG_WARN;
    snprintf(last_warning, sizeof(last_warning), "%s", message);
}

static int listen_to_warnings(void **state)
{
    (void)state;
    warnings = 0;
    cleat_log_set_handler(keep_warning, NULL, CLEAT_LOG_WARN);
    return 0;
}

static int clear_environment(void **state)
{
    (void)state;
    unsetenv(VARIABLE);
    unsetenv("OTEL_RESOURCE_ATTRIBUTES");
    unsetenv("OTEL_SERVICE_NAME");
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    return 0;
}

static bool has(const cleat_resource *resource, const char *key)
{
    cleat_value value;
    return cleat_resource_get(resource, key, &value);
}

static cleat_slice text_of(const cleat_resource *resource, const char *key)
{
    cleat_value value;
    if (!cleat_resource_get(resource, key, &value) || value.type != CLEAT_VALUE_STRING) {
        return (cleat_slice){NULL, 0};
    }
    return value.as.string;
}

static cleat_resource *detect(const cleat_resource_detector *detector)
{
    cleat_resource *resource = NULL;
    assert_int_equal(detector->detect(detector->user_data, &resource), CLEAT_OK);
    assert_non_null(resource);
    assert_slice(cleat_resource_schema_url(resource), CLEAT__SCHEMA_URL);
    return resource;
}

/* ---- The built-in ones ---- */

static void process_says_which_one(void **state)
{
    cleat_value value;
    (void)state;
    cleat_resource *resource = detect(cleat_resource_detector_process());
    assert_true(cleat_resource_get(resource, "process.pid", &value));
    assert_true(value.as.integer == getpid());
    assert_true(cleat_resource_get(resource, "process.parent_pid", &value));
    assert_true(value.as.integer == getppid());
    assert_slice(text_of(resource, "process.executable.name"), "detector_test");
    cleat_slice path = text_of(resource, "process.executable.path");
    assert_true(path.size > strlen("/detector_test") && path.data[0] == '/');
    assert_false(has(resource, "process.command_args"));
    cleat_resource_release(resource);
}

static void process_command_has_its_arguments(void **state)
{
    cleat_value value;
    (void)state;
    cleat_resource *resource = detect(cleat_resource_detector_process_command());
    assert_true(cleat_resource_get(resource, "process.command_args", &value));
    assert_int_equal(value.type, CLEAT_VALUE_STRING_ARRAY);
    assert_true(value.count >= 1);
    assert_true(cleat_slice_equals(value.as.strings[0], text_of(resource, "process.command")));
    cleat_slice line = text_of(resource, "process.command_line");
    assert_true(line.size >= value.as.strings[0].size);
    assert_memory_equal(line.data, value.as.strings[0].data, value.as.strings[0].size);
    cleat_resource_release(resource);
}

static void host_has_name_and_architecture(void **state)
{
    char name[256] = "";
    (void)state;
    assert_int_equal(gethostname(name, sizeof(name) - 1), 0);
    cleat_resource *resource = detect(cleat_resource_detector_host());
    assert_slice(text_of(resource, "host.name"), name);
    assert_true(text_of(resource, "host.arch").size != 0);
    cleat_resource_release(resource);
}

static void architectures_have_the_names_of_the_conventions(void **state)
{
    static const char *const cases[][2] = {
        {"x86_64", "amd64"},    {"aarch64", "arm64"},
        {"armv7l", "arm32"},    {"i686", "x86"},
        {"ppc64le", "ppc64"},   {"ppc", "ppc32"},
        {"s390x", "s390x"},     {"ia64", "ia64"},
        {"riscv64", "riscv64"}, {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[16];
        cleat__host_arch(cases[i][0], text, sizeof(text));
        assert_string_equal(text, cases[i][1]);
    }
}

static void systems_have_the_names_of_the_conventions(void **state)
{
    static const char *const cases[][2] = {
        {"Linux", "linux"}, {"FreeBSD", "freebsd"}, {"DragonFly", "dragonflybsd"}, {"SunOS", "solaris"},
        {"HP-UX", "hpux"},  {"Darwin", "darwin"},   {"OpenBSD", "openbsd"},        {"AIX", "aix"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[65];
        cleat__os_type(cases[i][0], text, sizeof(text));
        assert_string_equal(text, cases[i][1]);
    }
}

static void os_has_type_and_version(void **state)
{
    static const char *const keys[] = {"os.name", "os.version", "os.description", "os.build_id"};
    (void)state;
    cleat_resource *resource = detect(cleat_resource_detector_os());
    assert_slice(text_of(resource, "os.type"), "linux");
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        assert_true(text_of(resource, keys[i]).size != 0);
    }
    cleat_resource_release(resource);
}

static void os_release_is_read_like_a_shell_does(void **state)
{
    static const char file[] = "# comment\n"
                               "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"
                               "ID=debian\n"
                               "VERSION_ID='12'\n"
                               "X_NAME=wrong\n"
                               "\n"
                               "QUOTED=\"a \\\"b\\\" \\$c\" # and more\n"
                               "EMPTY=\n"
                               "OPEN=\"never closed\n"
                               "NAME=last";
    static const char *const cases[][2] = {
        {"PRETTY_NAME", "Debian GNU/Linux 12 (bookworm)"},
        {"ID", "debian"},
        {"VERSION_ID", "12"},
        {"QUOTED", "a \"b\" $c"},
        {"EMPTY", ""},
        {"OPEN", "never closed"},
        {"NAME", "last"},
        {"VERSION", ""},
    };
    cleat_slice text = exact_copy(file);
    char value[64];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cleat__os_release_get(text, cases[i][0], value, sizeof(value));
        assert_string_equal(value, cases[i][1]);
    }
    cleat__os_release_get(text, "PRETTY_NAME", value, 7);
    assert_string_equal(value, "Debian");
    cleat__os_release_get((cleat_slice){NULL, 0}, "NAME", value, sizeof(value));
    assert_string_equal(value, "");
    exact_free(text);
}

#define ID "ac679f8a8319c8cf7d38e1adf263bc08d231f2ff81abda3915f6e8ba4d64156a"

static void container_shows_in_its_control_groups(void **state)
{
    static const struct {
        const char *file;
        bool is_container;
    } cases[] = {
        {"13:name=systemd:/podruntime/docker/kubepods/" ID "\n", true},
        {"0::/\n1:cpu:/docker/" ID, true},
        {"0::/system.slice/docker-" ID ".scope\n", true},
        {"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope", true},
        {"0::/system.slice/kubepods-pod1.slice:cri-containerd:" ID, true},
        {"0::/user.slice/user-1000.slice/session-2.scope\n", false},
        {"0::/" ID "/init.scope\n", false},
        {"0::/docker/" ID "0\n", false},
        {"0::/docker/AC679f8a8319c8cf7d38e1adf263bc08d231f2ff81abda3915f6e8ba4d64156a\n", false},
        {"", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cleat_slice file = exact_copy(cases[i].file);
        assert_slice(cleat__container_id_of_cgroup(file), cases[i].is_container ? ID : NULL);
        exact_free(file);
    }
}

static void container_shows_in_its_mounts(void **state)
{
    static const struct {
        const char *file;
        bool is_container;
    } cases[] = {
        {"1 2 0:1 / / rw\n9 8 0:7 /var/lib/docker/containers/" ID "/hostname /etc/hostname rw\n", true},
        {"9 8 0:7 /overlay-containers/" ID "/userdata/hostname /etc/hostname rw", true},
        {"9 8 0:7 /containerd/sandboxes/" ID "/hostname /etc/hostname rw", false},
        {"9 8 0:7 /var/lib/docker/containers/" ID "/resolv.conf /etc/resolv.conf rw\n", false},
        {"", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cleat_slice file = exact_copy(cases[i].file);
        assert_slice(cleat__container_id_of_mounts(file), cases[i].is_container ? ID : NULL);
        exact_free(file);
    }
}

static void instance_is_one_per_process(void **state)
{
    char parent[64] = "", child[64] = "";
    int pipe_of[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        cleat_resource *resource = detect(cleat_resource_detector_service());
        cleat_slice id = text_of(resource, "service.instance.id");
        assert_int_equal(id.size, 36);
        assert_int_equal(id.data[14], '4'); /* the version of the UUID */
        if (i == 1) {
            assert_slice(id, parent);
        }
        snprintf(parent, sizeof(parent), "%.*s", CLEAT_SLICE_ARGS(id));
        cleat_resource_release(resource);
    }
    assert_int_equal(pipe(pipe_of), 0);
    pid_t pid = fork();
    if (pid == 0) {
        cleat_resource *resource = NULL;
        cleat_resource_detector_service()->detect(NULL, &resource);
        cleat_slice id = text_of(resource, "service.instance.id");
        _exit(write(pipe_of[1], id.data, id.size) == 36 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(read(pipe_of[0], child, sizeof(child)), 36);
    assert_string_not_equal(parent, child);
    close(pipe_of[0]);
    close(pipe_of[1]);
}

/* ---- Choosing ---- */

static void environment_chooses_detectors(void **state)
{
    static const struct {
        const char *value;
        bool process, command, host, os, service;
    } cases[] = {
        {"", false, false, false, false, false},
        {"none", false, false, false, false, false},
        {"env", false, false, false, false, false},
        {"host", false, false, true, false, false},
        {" Process , os,,", true, false, false, true, false},
        {"process_command", false, true, false, false, false},
        {"all", true, false, true, true, true},
        {"*", true, false, true, true, true},
        {"all,process_command", true, true, true, true, true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cleat_resource *resource = NULL;
        setenv(VARIABLE, cases[i].value, 1);
        assert_int_equal(cleat_resource_default(&resource), CLEAT_OK);
        assert_int_equal(has(resource, "process.pid"), cases[i].process);
        assert_int_equal(has(resource, "process.command"), cases[i].command);
        assert_int_equal(has(resource, "host.name"), cases[i].host);
        assert_int_equal(has(resource, "os.type"), cases[i].os);
        assert_int_equal(has(resource, "service.instance.id"), cases[i].service);
        assert_true(has(resource, "telemetry.sdk.name"));
        assert_int_equal(cleat_resource_schema_url(resource).size != 0, i >= 3);
        cleat_resource_release(resource);
    }
    assert_int_equal(warnings, 0);
}

static void unknown_detector_warns_once_and_costs_only_itself(void **state)
{
    (void)state;
    setenv(VARIABLE, "os,cloud", 1);
    for (int again = 0; again < 2; again++) {
        cleat_resource *resource = NULL;
        assert_int_equal(cleat_resource_default(&resource), CLEAT_OK);
        assert_true(has(resource, "os.type"));
        cleat_resource_release(resource);
    }
    assert_int_equal(warnings, 1);
    assert_non_null(strstr(last_warning, VARIABLE ": \"cloud\""));
    assert_non_null(strstr(last_warning, "accepted: process, host, os, container, service"));
}

/* ---- One's own, and who wins ---- */

static cleat_status detect_shop(void *user_data, cleat_resource **out)
{
    const cleat_attribute attributes[] = {
        cleat_attribute_string("service.name", "detected"),
        cleat_attribute_string("shop", user_data),
    };
    return cleat_resource_new(attributes, 2, "https://shop", out);
}

static cleat_status detect_failure(void *user_data, cleat_resource **out)
{
    (void)out;
    return *(const cleat_status *)user_data;
}

static void later_ones_win(void **state)
{
    static char first[] = "first", second[] = "second";
    const cleat_resource_detector shops[] = {{"a", detect_shop, first}, {"b", detect_shop, second}};
    const cleat_resource_detector *detectors[] = {&shops[0], NULL, &shops[1]};
    const cleat_attribute given = cleat_attribute_string("service.name", "given");
    static const struct {
        const char *attributes, *service_name;
        size_t detectors, given;
        const char *name;
    } cases[] = {
        {NULL, NULL, 3, 0, "detected"},
        {"service.name=attributes", NULL, 3, 0, "attributes"},
        {"service.name=attributes", "variable", 3, 0, "variable"},
        {"service.name=attributes", "variable", 3, 1, "given"},
        {NULL, NULL, 0, 1, "given"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cleat_resource *resource = NULL;
        clear_environment(NULL);
        if (cases[i].attributes != NULL) {
            setenv("OTEL_RESOURCE_ATTRIBUTES", cases[i].attributes, 1);
        }
        if (cases[i].service_name != NULL) {
            setenv("OTEL_SERVICE_NAME", cases[i].service_name, 1);
        }
        assert_int_equal(cleat_resource_detect(CLEAT_RESOURCE_OPTIONS(.detectors = detectors,
                                                                      .detector_count = cases[i].detectors,
                                                                      .attributes = &given,
                                                                      .attribute_count = cases[i].given),
                                               &resource),
                         CLEAT_OK);
        assert_slice(text_of(resource, "service.name"), cases[i].name);
        assert_slice(text_of(resource, "shop"), cases[i].detectors != 0 ? "second" : NULL);
        assert_slice(cleat_resource_schema_url(resource), cases[i].detectors != 0 ? "https://shop" : NULL);
        cleat_resource_release(resource);
    }
}

static void schema_urls_of_different_detectors_cancel_out(void **state)
{
    static char shop[] = "x";
    const cleat_resource_detector own = {"shop", detect_shop, shop};
    const cleat_resource_detector *detectors[] = {&own, cleat_resource_detector_os()};
    cleat_resource *resource = NULL;
    (void)state;
    assert_int_equal(
        cleat_resource_detect(CLEAT_RESOURCE_OPTIONS(.detectors = detectors, .detector_count = 2), &resource),
        CLEAT_OK);
    assert_true(has(resource, "shop") && has(resource, "os.type"));
    assert_slice(cleat_resource_schema_url(resource), NULL);
    cleat_resource_release(resource);
}

static void detector_that_fails_is_left_out(void **state)
{
    static const struct {
        cleat_status status, of_all;
        int warnings;
    } cases[] = {
        {CLEAT_IO, CLEAT_OK, 1},
        {CLEAT_EMPTY, CLEAT_OK, 1},
        {CLEAT_OK, CLEAT_OK, 1},
        {CLEAT_UNAVAILABLE, CLEAT_OK, 2},
        {CLEAT_NO_MEMORY, CLEAT_NO_MEMORY, 2},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cleat_status status = cases[i].status;
        const cleat_resource_detector failing = {"cloud", detect_failure, &status};
        const cleat_resource_detector *detectors[] = {&failing, cleat_resource_detector_os()};
        cleat_resource *resource = NULL;
        assert_int_equal(cleat_resource_detect(
                             CLEAT_RESOURCE_OPTIONS(.detectors = detectors, .detector_count = 2), &resource),
                         cases[i].of_all);
        assert_int_equal(has(resource, "os.type"), cases[i].of_all == CLEAT_OK);
        assert_int_equal(warnings, cases[i].warnings);
        cleat_resource_release(resource);
    }
    assert_non_null(strstr(last_warning, "resource detector cloud: stopped or not reachable"));
}

static void without_memory_nothing_is_left_behind(void **state)
{
    (void)state;
    setenv(VARIABLE, "all,process_command", 1);
    setenv("OTEL_RESOURCE_ATTRIBUTES", "a=b,c=d", 1);
    setenv("OTEL_SERVICE_NAME", "n", 1);
    bool is_done = false;
    for (size_t fail_at = 1; !is_done; fail_at++) {
        failing_allocator allocator;
        cleat_resource *resource = NULL;
        failing_allocator_install(&allocator, fail_at);
        cleat_status status = cleat_resource_default(&resource);
        is_done = atomic_load(&allocator.calls) < fail_at;
        assert_int_equal(status, is_done ? CLEAT_OK : CLEAT_NO_MEMORY);
        cleat_resource_release(resource);
        assert_int_equal(atomic_load(&allocator.live), 0);
        cleat_set_allocator(NULL);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, listen_to_warnings, clear_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(process_says_which_one),
        cmocka_unit_test(process_command_has_its_arguments),
        cmocka_unit_test(host_has_name_and_architecture),
        cmocka_unit_test(architectures_have_the_names_of_the_conventions),
        cmocka_unit_test(systems_have_the_names_of_the_conventions),
        cmocka_unit_test(os_has_type_and_version),
        cmocka_unit_test(os_release_is_read_like_a_shell_does),
        cmocka_unit_test(container_shows_in_its_control_groups),
        cmocka_unit_test(container_shows_in_its_mounts),
        cmocka_unit_test(instance_is_one_per_process),
        TEST(environment_chooses_detectors),
        TEST(unknown_detector_warns_once_and_costs_only_itself),
        TEST(later_ones_win),
        TEST(schema_urls_of_different_detectors_cancel_out),
        TEST(detector_that_fails_is_left_out),
        TEST(without_memory_nothing_is_left_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
