#!/bin/sh
# Help, and mistakes on the command line: one line, exit 2, nothing written.
set -eu
# shellcheck source=tests/cli/check.sh
. "$CLEAT_SOURCE/tests/cli/check.sh"

for verb in '' serve demo run push hook 'hook resume' runs 'runs ls' 'runs show' 'runs cancel' 'runs replay' schedule 'schedule ls' 'schedule add' 'schedule rm' \
    'schedule enable' 'schedule disable' backup check export import traces 'traces ls' 'traces show' 'traces open' token 'token create' limits 'limits ls' 'limits put' 'limits rm' workflows 'workflows pause' 'workflows resume' \
    'token ls' 'token revoke' version; do
    # shellcheck disable=SC2086 # a verb is words
    expect 0 $verb --help
    shows usage:
    narrow 80
    [ ! -s err ] || fail "errors from $verb --help"
    # shellcheck disable=SC2086
    expect 0 help $verb
    shows usage:
done
expect 0 traces show -h
shows --all
expect 0 --version
shows cleat
expect 0 version --json
[ -n "$(json out '$.version')" ] || fail 'no version'

refuse 2 'a verb is missing; see cleat --help'
refuse 2 'FILE is empty; see cleat backup --help' backup ''
refuse 2 'unknown verb foo' foo
refuse 2 'unknown option --foo; see cleat --help' --foo
refuse 2 'a verb is missing; see cleat runs --help' runs
refuse 2 'unknown verb foo' traces foo
refuse 2 'unknown option --foo; see cleat runs ls --help' runs ls --foo
refuse 2 'unknown option -x' runs ls -x
refuse 2 'unexpected argument "a"' runs ls a
refuse 2 'RUN is missing' runs show
refuse 2 'TRACE is missing' traces show --json
refuse 2 'JSON' hook resume token
refuse 1 'nothere.db' hook resume token true --db nothere.db
refuse 2 'TOKEN is missing' token revoke
refuse 2 'unexpected argument "c"' traces show b c
refuse 2 '--db needs a value' runs ls --db
refuse 2 '--db is empty' runs ls --db ''
refuse 2 '--json takes no value' runs ls --json=yes
refuse 2 '--limit must be a number' runs ls --limit 0
refuse 2 '--limit must be a number' runs ls --limit=9x
refuse 2 '--limit must be a number' traces ls --limit 99999999999999999999
for children in 0 -1 abc '' 1.5 99999999; do
    refuse 2 '--children must be a number' demo --children "$children"
done
refuse 2 'unexpected argument' demo a b

same 'files written' "$(ls)" "$(printf 'err\nout')"
