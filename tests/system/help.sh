# Help texts and suggestions: every command shows its usage and an example within 80 columns; options and settings of other
# programs lead to ours.
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"

"$LOCKSTEP" --help >all.txt
mapfile -t commands < <(awk '/^Commands/ { on = 1; next } on && !NF { exit } on { print $1 }' all.txt)
[ "${#commands[@]}" -ge 10 ] || fail "lockstep --help: ${#commands[@]} commands"
for kind in text classify label pairs frames; do commands+=("prepare $kind"); done
for command in "${commands[@]}"; do
  # shellcheck disable=SC2086
  "$LOCKSTEP" $command --help >help.txt
  # shellcheck disable=SC2086
  "$LOCKSTEP" help $command | cmp - help.txt || fail "help $command is not $command --help"
  head -1 help.txt | grep -q "^Usage: lockstep ${command%% *} " || fail "$command --help: no usage"
  grep -q '^Examples\{0,1\}:$' help.txt || fail "$command --help: no example"
  grep -q "^ .*lockstep $command " help.txt || fail "$command --help: its example runs another command"
  if LC_ALL=C.UTF-8 grep -nE '.{81}' help.txt; then fail "$command --help: lines of more than 80 columns"; fi
done

# Every name in the table of other programs' options leads to an option that some command has.
for command in "${commands[@]}"; do "$LOCKSTEP" "${command%% *}" --help; done >helps.txt
pairs=$(sed -n 's/^ *{"\([a-z0-9_]*\)", "\([a-z0-9-]*\)"},$/\1 \2/p' "$LOCKSTEP_SOURCE/src/cli/option_names.c")
[ "$(wc -l <<<"$pairs")" -gt 50 ] || fail "option_names.c: $(wc -l <<<"$pairs") names"
while read -r name option; do
  grep -q -- "--$option\b" helps.txt || fail "option_names.c: $name: no command has --$option"
done <<<"$pairs"
expect 64 '^lockstep predict: unknown option --beam-size .did you mean --beam' "$LOCKSTEP" predict x.h5 --beam-size 4
expect 64 '^lockstep generate: unknown option --max_new_tokens .did you mean --length' "$LOCKSTEP" generate x.h5 --max_new_tokens=9
expect 64 '^lockstep prepare: unknown option --Vocab-Size .did you mean --vocabulary' "$LOCKSTEP" prepare text x --Vocab-Size 9

# Settings written as options.
expect 64 "^lockstep train: --batch_size: settings are given as KEY=VALUE.*'train.batch'" "$LOCKSTEP" train x.yaml --batch_size 4
expect 64 "^lockstep train: --beam: .*'lockstep predict --beam N'" "$LOCKSTEP" train x.yaml --beam 4
expect 64 "^lockstep config: --train.rate: .*(train.rate=VALUE)" "$LOCKSTEP" config --train.rate=1

# The manual page: no mistakes of the markup, a section for each command, every option and every setting.
"$LOCKSTEP_SOURCE/scripts/man/generate" "$LOCKSTEP" "$LOCKSTEP_SOURCE/scripts/man/lockstep.1.in" lockstep.1
if grep -n '@[A-Z]*@' lockstep.1; then fail "lockstep.1: a placeholder is left"; fi
if command -v mandoc >/dev/null; then
  mandoc -T lint -W warning lockstep.1 >lint.txt || fail "lockstep.1: $(cat lint.txt)"
elif command -v groff >/dev/null; then
  groff -man -ww -Tutf8 lockstep.1 2>lint.txt >page.txt || fail "groff failed: $(cat lint.txt)"
  [ ! -s lint.txt ] || fail "lockstep.1: $(cat lint.txt)"
fi
tr -d '\134' <lockstep.1 >plain.txt
for command in "${commands[@]}"; do grep -q "$command" plain.txt || fail "lockstep.1: no $command"; done
for command in train eval predict; do grep -q "^\.SS lockstep $command$" plain.txt || fail "lockstep.1: no section of $command"; done
grep -o -- ' --[a-z][a-z-]*' helps.txt | sort -u | while read -r option; do
  grep -q -- "$option" plain.txt || fail "lockstep.1: no $option"
done
settings=$("$LOCKSTEP" config --describe | grep -c '^  [a-z]')
[ "$(sed -n '/^.SH CONFIGURATION/,/^.SH FILES/p' plain.txt | grep -c '^\.TP')" -eq "$settings" ] ||
  fail "lockstep.1 does not have the $settings settings of config --describe"
