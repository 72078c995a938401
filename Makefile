# The short commands people type; CMake does the work (CMakePresets.json). `make help` lists them.

PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
TEST_JOBS ?= $(shell expr $(JOBS) + 1) # some wait for most of their time
DEMO ?=

RELEASE = build/release
# A preset cannot choose the generator by what is installed, so it is chosen here, the first time.
GENERATOR = $(if $(shell sh -c 'command -v ninja'),Ninja,Unix Makefiles)
configure = cmake --preset $(1) $(if $(wildcard build/$(1)/CMakeCache.txt),,-G "$(GENERATOR)") \
            --log-level=NOTICE
with_tests = -DCLEAT_TESTS=ON -DCLEAT_WERROR=ON
build = cmake --build build/$(1) -j $(JOBS)
ctest = ctest --test-dir build/$(1) --output-on-failure -j $(TEST_JOBS) -LE "interop|slow"

all: ## build the libraries, the command, examples and benchmarks into build/release
	$(call configure,release)
	$(call build,release)

demo: deps ## install what is missing, build, run `cleat demo` (DEMO="DIR --db FILE ...")
	$(call configure,release)
	$(call build,release) --target cleat_command
	$(RELEASE)/cleat demo $(DEMO)

test: deps-test ## install what is missing, build, run all tests
	$(call configure,release) $(with_tests)
	$(call build,release)
	$(call ctest,release)

debug: deps-test ## build and test with -O0
	$(call configure,$@)
	$(call build,$@)
	$(call ctest,$@)

asan: deps-dev ## build with clang and its address and undefined sanitizers, and test
	$(call configure,$@)
	$(call build,$@)
	$(call ctest,$@)

# What has one thread: floors without any, and the engine's core under a fake clock. And what takes minutes: each byte
# that gRPC, which is not instrumented, has written is a report that is suppressed.
ONE_THREAD = ^(cli|docs|examples|install|model|store|topology|wire)/|^engine/(batch|bulk|choice|cron|dag|durable|$\
             engine|event|fairness|filter|full_file|idempotency|late|limits|memory|notes|pause|rates|recovery|$\
             remote|replay|shared|simulation|stream|tenant|timetable|trigger|watch)|^otlp/protobuf|^sdk/dag_remote|^server/rest_large|$\
             ^(headers|readme|size|style|symbols)

tsan: deps-dev ## build with the thread sanitizer, and test what has threads
	$(call configure,$@)
	$(call build,$@)
	$(call ctest,$@) -E "$(ONE_THREAD)"

clang: deps-dev ## build and test with clang, without sanitizers
	$(call configure,$@)
	$(call build,$@)
	$(call ctest,$@)

fuzz: deps-dev ## run each fuzz program for FUZZ_SECONDS (10), FUZZ_JOBS (2) at a time
	$(call configure,$@)
	$(call build,$@) --target fuzz
	tools/run-fuzz build/fuzz/fuzz $(or $(FUZZ_SECONDS),10) $(or $(FUZZ_JOBS),2)

interop: deps-dev ## test with the official SDKs of Node: OpenTelemetry, Hatchet (from npm); the pages in a browser; and what takes a minute
	$(call configure,release) $(with_tests)
	$(call build,release) --target interop test_cli_workflow_killed nightly
	CLEAT_BUILD=$(CURDIR)/$(RELEASE) tests/interop/run otel --install || [ $$? = 77 ]
	CLEAT_BUILD=$(CURDIR)/$(RELEASE) tests/interop/run hatchet-ts --install || [ $$? = 77 ]
	CLEAT_BUILD=$(CURDIR)/$(RELEASE) tests/interop/run viewer --install || [ $$? = 77 ]
	ctest --test-dir $(RELEASE) --output-on-failure -j $(TEST_JOBS) -L "interop|slow"

nightly: deps-test ## a million runs of a skewed mix while the server and its workers are killed (NIGHTLY="--runs 100000 --seed 7")
	$(call configure,release) $(with_tests)
	$(call build,release) --target nightly cleat_command
	tools/run-in-temp env CLEAT_BUILD=$(CURDIR)/$(RELEASE) $(CURDIR)/tests/nightly/run $(NIGHTLY)

bench: all ## run the benchmarks
	@for b in $(RELEASE)/bench/*; do [ -x "$$b" ] || continue; echo "== $$b"; "$$b" || exit 1; done

symbols: ## write the lists of exported symbols anew from build/release
	@for list in tools/symbols/*.txt; do \
	    tools/check-symbols --update $$(basename $$list .txt) $(RELEASE) || exit 1; done

check: ## style: include direction, sizes, formatting
	tools/check

format: ## format all C sources
	find include src tests examples bench -name '*.[ch]' 2>/dev/null | xargs -r clang-format -i

install: ## install into $(DESTDIR)$(PREFIX)
	$(call configure,release) -DCMAKE_INSTALL_PREFIX=$(PREFIX)
	$(call build,release)
	DESTDIR=$(DESTDIR) cmake --install $(RELEASE)

deps: ## install the packages that the build needs
	@tools/install-deps

deps-test:
	@tools/install-deps --test

deps-dev:
	@tools/install-deps --dev

clean: ## remove build/
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z ]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' Makefile

.PHONY: all demo test debug asan tsan clang fuzz interop nightly bench symbols check format install deps \
        deps-test deps-dev clean help
