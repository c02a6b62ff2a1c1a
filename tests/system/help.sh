# Help texts and suggestions: every command shows its usage and an example within 80 columns; options and settings of other
# programs lead to ours.
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
fail() { echo "$*" >&2 && exit 1; }

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

# --version: version, commit, kernels, the libraries that the program is linked with.
"$LOCKSTEP" --version >version.txt
[ "$(sed -n 1p version.txt)" = "lockstep $(sed -n 's/^project(lockstep VERSION \([0-9.]*\).*/\1/p' "$LOCKSTEP_SOURCE/CMakeLists.txt")" ]
sed -n 2p version.txt | grep -qE '^commit ([0-9a-f]{12}|unknown: .*)$' || fail "--version: $(sed -n 2p version.txt)"
if git -C "$LOCKSTEP_SOURCE" rev-parse HEAD >commit.txt 2>/dev/null; then
  sed -n 2p version.txt | grep -qE '^commit [0-9a-f]{12}$' || fail "--version: $(sed -n 2p version.txt), in a git tree"
fi
sed -n 3p version.txt | grep -qE '^kernels .*\b[a-z0-9]+ \(auto\).*\bportable' || fail "--version: $(sed -n 3p version.txt)"
for library in HDF5 OpenBLAS libfyaml jansson libunistring libarchive xxHash nettle zlib SentencePiece 'Open MPI|MPICH'; do
  grep -qE "^($library)\b" version.txt || fail "--version: no $library"
done

"$LOCKSTEP" --version --json >version.json
python3 - <<'PYTHON'
import json, re
lines = open("version.txt").read().splitlines()
said = json.load(open("version.json"))
assert lines[0] == "lockstep " + said["version"] and said["commit"] in lines[1].split() + [None], said
assert said["kernels"] in said["kernels_here"] and "portable" in said["kernels_here"], said
assert said["kernels"] + " (auto)" in lines[2] and all(name in lines[2] for name in said["kernels_missing"]), said
assert len(said["libraries"]) == len(lines) - 3, said
for name, version in said["libraries"].items():
    assert any(line.startswith(name) and (version or "") in line for line in lines), (name, version)
    assert version is None or re.fullmatch("[0-9][^ ,]*", version), (name, version)
PYTHON
expect 64 'expected --json or nothing' "$LOCKSTEP" --version --yaml
expect 64 "expected --json or nothing, found 'more'" "$LOCKSTEP" --version --json more

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

# The manual pages: no mistakes of the markup; a page for each command, with every option of its help; every setting.
"$LOCKSTEP_SOURCE/scripts/man/generate" "$LOCKSTEP" man
if grep -n '@[A-Z]*@' man/*; then fail "man: a placeholder is left"; fi
for page in man/*; do
  head -1 "$page" | grep -q "^\.TH LOCKSTEP[A-Z\\-]* 1 .*Lockstep [0-9]" || fail "$page: no title with a version"
  if command -v mandoc >/dev/null; then
    mandoc -T lint -W warning "$page" >lint.txt || fail "$page: $(cat lint.txt)"
  elif command -v groff >/dev/null; then
    groff -man -ww -Tutf8 "$page" 2>lint.txt >page.txt || fail "groff failed: $(cat lint.txt)"
    [ ! -s lint.txt ] || fail "$page: $(cat lint.txt)"
  fi
done
tr -d '\134' <man/lockstep.1 >plain.txt
for command in "${commands[@]}"; do
  page=man/lockstep-${command%% *}.1
  "$LOCKSTEP" "${command%% *}" --help >help.txt
  tr -d '\134' <"$page" >page.txt
  grep -q "lockstep-${command%% *} - ." page.txt || fail "$page: no name"
  grep -q "^\.BR lockstep-${command%% *} (1)$" plain.txt || fail "lockstep.1: no $command"
  case $command in *' '*) grep -q "^\.SS $command$" page.txt || fail "$page: no $command" ;; esac
  for section in SYNOPSIS DESCRIPTION EXAMPLES; do
    [ "$(grep -c "^\.SH $section$" page.txt)" = 1 ] || fail "$page: not one section $section"
  done
  { sed -nE 's/^ +(-[^ ], )?(--[a-z][a-z-]*).*/\2/p' help.txt | sort -u; } | while read -r option; do
    grep -qE -- "^\.B (-., )?$option(=|$)" page.txt || fail "$page: no $option"
  done
done
settings=$("$LOCKSTEP" config --describe | grep -c '^  [a-z]')
[ "$(sed -n '/^.SH CONFIGURATION/,/^.SH FILES/p' plain.txt | grep -c '^\.TP')" -eq "$settings" ] ||
  fail "lockstep.1 does not have the $settings settings of config --describe"
