# lockstep plan: the bytes that hosts would exchange, speeds that follow from them, and nothing written.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
fail() { echo "$*" >&2 && cat out.txt >&2 && exit 1; }
corpus_text
plan=(plan "$(config_of lm-char.yaml)" data.corpus=text.h5 run.dir=untouched train.batch=32 model.hidden=64 --seconds 0.05)
# get FILTER: a value of the last object
get() { python3 -c "import json; o = json.load(open('out.txt')); print($1)"; }
# holds EXPRESSION MESSAGE: of the last object, o
holds() { [ "$(get "bool($1)")" = True ] || fail "not true: $1"; }

# One rank a host, all in float32: a step sends half the gradient and half the weights from each of two hosts.
"$LOCKSTEP" "${plan[@]}" parallel.shards=ranks --hosts 8 --bandwidth 0.125 --latency 100 --json >out.txt
holds '[r["hosts"] for r in o["divided"]] == [2, 4, 8] == [r["hosts"] for r in o["each"]]'
holds '[r["batch"] for r in o["divided"]] == [32, 32, 32] and [r["batch"] for r in o["each"]] == [64, 128, 256]'
holds '[r["shards"] for r in o["each"]] == [2, 4, 8] and o["alone"]["bytes"] == 0 == o["alone"]["link_seconds"]'
holds '0.97 * 4 * o["parameters"] < o["each"][0]["bytes"] <= 1.03 * 4 * o["parameters"]'
holds '7 * o["parameters"] <= o["each"][2]["bytes"] < 1.2 * 7 * o["parameters"]'
holds 'all(abs(r["step_seconds"] - r["compute_seconds"] - r["wait_seconds"]) < 1e-4 * r["step_seconds"] for r in o["each"])'
holds 'all(0 <= r["link_seconds"] - r["bytes"] / 0.125e9 < 0.01 for r in o["each"])'
holds 'all(r["efficiency"] < 1 and r["efficiency_bf16"] > r["efficiency"] for r in o["each"])'
float=$(get 'int(o["each"][0]["bytes"])')

# What travels while a step is computed is not waited for; without that all of it is.
LOCKSTEP_TEST_SECTIONS=1 "$LOCKSTEP" "${plan[@]}" parallel.shards=ranks --hosts 8 --bandwidth 0.125 --json >out.txt
holds 'all(0 < r["wait_seconds"] < 0.98 * r["link_seconds"] for r in o["each"])'
LOCKSTEP_TEST_SECTIONS=1 "$LOCKSTEP" "${plan[@]}" parallel.shards=ranks parallel.overlap=false --hosts 8 --bandwidth 0.125 \
  --json >out.txt
holds 'all(abs(r["wait_seconds"] - r["link_seconds"]) < 1e-4 * r["link_seconds"] for r in o["each"])'
LOCKSTEP_TEST_SECTIONS=1 "$LOCKSTEP" "${plan[@]}" parallel.shards=8 train.accumulate=4 --hosts 2 --bandwidth 0.125 --json >out.txt
holds 'all(0 < r["wait_seconds"] < r["link_seconds"] for r in o["each"])'
[ ! -e untouched ] || fail 'run.dir was made'

"$LOCKSTEP" "${plan[@]}" parallel.shards=ranks parallel.wire=bf16 --hosts 2 --bandwidth 0.125 --json >out.txt
holds "abs(2 * o['each'][0]['bytes'] - $float) < 0.001 * $float and o['wire'] == 'bf16'"

# With Adagrad rows of the embedding that no step touches are not sent.
"$LOCKSTEP" prepare text text.txt --unit word --stream -o words.h5 >/dev/null 2>&1
words=(plan "$(config_of lm-char.yaml)" data.corpus=words.h5 run.dir=untouched model.embedding=64 model.hidden=8 train.batch=4
  train.unroll=5 parallel.shards=ranks --seconds 0.05 --hosts 2 --bandwidth 1 --json)
"$LOCKSTEP" "${words[@]}" train.optimizer=adam >out.txt
dense=$(get 'o["each"][0]["bytes"]')
"$LOCKSTEP" "${words[@]}" train.optimizer=adagrad >out.txt
holds "0 < o['each'][0]['bytes'] < 0.9 * $dense"

# Two ranks on a host; as many shards as the setting has, as long as they are enough; a number that is no power of two.
mpirun -n 2 "$LOCKSTEP" "${plan[@]}" parallel.shards=8 --hosts 6 --ranks-per-host 2 --bandwidth 1.25 >out.txt 2>err.txt
[ ! -s err.txt ] || fail "$(cat err.txt)"
grep -q '^One host: 2 ranks, batch 32, 8 shards, [0-9]* parameters$' out.txt || fail 'no first line'
[ "$(awk '$1 == 2 || $1 == 4 || $1 == 6 { print $1, $2, $3, $4 }' out.txt | paste -sd ,)" = \
  '2 4 32 8,4 8 32 8,6 12 32 12,2 4 64 8,4 8 128 8,6 12 192 12' ] || fail 'other rows'
grep -q '^parallel.shards is 8: a run on more ranks needs as many shards as ranks' out.txt || fail 'shards'
"$LOCKSTEP" "${plan[@]}" --hosts 1 --bandwidth 1 >out.txt
if grep -q hosts out.txt; then fail 'a table without rows'; fi
# more hosts than sequences
"$LOCKSTEP" "${plan[@]}" train.batch=3 parallel.shards=ranks --hosts 4 --bandwidth 1 >out.txt
[ "$(grep -c '^ *4 ' out.txt)" -eq 1 ] || fail 'four hosts cannot divide three sequences'
grep -q '^There is no row for more than 3 hosts, as the batch has no more sequences' out.txt || fail 'no word of that'

expect 64 '--bandwidth: expected that of the link between hosts, in GB/s or with a unit' "$LOCKSTEP" "${plan[@]}" --hosts 2
expect 64 'expected a configuration file' "$LOCKSTEP" plan --hosts 2 --bandwidth 1
expect 64 '--hosts 4096: with 2 ranks on each, expected at most 2048 hosts' \
  mpirun -n 2 "$LOCKSTEP" "${plan[@]}" --hosts 4096 --bandwidth 1
expect 64 "--ranks-per-host 4: .*but 1 rank was started: 'mpirun -n 4 lockstep plan ...'" \
  "$LOCKSTEP" "${plan[@]}" --ranks-per-host 4 --bandwidth 1
expect 64 '--bandwidth: expected a number from .*GB/s; MB/s, Gb/s or Mb/s' "$LOCKSTEP" "${plan[@]}" --bandwidth 10Gb
expect 64 '--bandwidth: expected a number from .*Gb/s' "$LOCKSTEP" "${plan[@]}" --bandwidth -1Gb/s
expect 64 "lockstep plan: expected a configuration file before 'data.corpus=text.h5'" \
  "$LOCKSTEP" plan data.corpus=text.h5 --bandwidth 1
for link in 10Gb/s 10000Mb/s 1250MB/s 1.25GB/s 1.25; do
  "$LOCKSTEP" "${plan[@]}" --hosts 1 --bandwidth $link >out.txt
  grep -q '^Link: 1.25 GB/s' out.txt || fail "$link"
done
# parts of a batch, more than a host's share has shards
"$LOCKSTEP" "${plan[@]}" --hosts 4 --bandwidth 1 parallel.shards=9 train.accumulate=8 >out.txt
expect 74 'none.h5' "$LOCKSTEP" plan "$(config_of lm-char.yaml)" data.corpus=none.h5 --bandwidth 1
[ ! -e untouched ] || fail 'run.dir was made'
