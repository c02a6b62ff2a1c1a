# lockstep bench: every section, as a table and as JSON, with plausible figures; a mistake gives one line.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
mpirun -n 2 "$LOCKSTEP" bench --quick --json >bench.json
for section in ceiling memory products recurrent pointwise reduction nets; do
  grep -q "^ \"$section\": \[" bench.json || { echo "no section $section" && exit 1; }
done
[ "$(grep -c '"tokens/s"' bench.json)" -ge 6 ] || { echo 'fewer nets than six' && exit 1; }
# figures are positive; a fraction of the ceiling is below one, unless a busy machine measured too low a ceiling
awk -F': ' '/: -?[0-9.e+-]+,?$/ { v = $2 + 0; n++; if (v < 0 || ($1 ~ /GFLOP|tokens|GB.s|ns_/ && v == 0)) { print; bad = 1 }
  if ($1 ~ /"share"/ && v > 4) { print; bad = 1 } } END { exit bad || n < 60 }' bench.json
"$LOCKSTEP" bench --quick pointwise >bench.txt
grep -q 'lstm cell forward, a unit  *[0-9.]' bench.txt
expect 64 "unknown section 'nonsense'" "$LOCKSTEP" bench nonsense
# what takes more than two seconds shows on a terminal what it does, and nothing of it stays
if command -v script >/dev/null; then
  TERM=xterm LC_ALL=C.UTF-8 script -qec "stty cols 100 rows 30; exec '$LOCKSTEP' bench --quick nets" /dev/null </dev/null >screen.txt 2>&1
  grep -q 'measuring: nets' screen.txt
  grep -q 'tokens/s' screen.txt
fi
