# A language model by a published recipe: its rate follows the length of the windows, its states are bounded and recorded.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_text
settings="data.corpus=text.h5 model.hidden=16 model.embedding=8 train.batch=7 train.unroll=28 train.epochs=3 train.rate=0.01"
settings="$settings train.schedule=constant train.warmup=0"
# figures NAME KEY: what the training lines of metrics.jsonl have
figures() { grep '"kind":"train"' "$1/metrics.jsonl" | grep -o "\"$2\":[^,}]*" | cut -d: -f2; }
# shellcheck disable=SC2086,SC2154
{
  train 1 lm-char.yaml one $settings $recipe
  train 3 lm-char.yaml three $settings $recipe
  train 2 lm-char.yaml plain $settings
}
# around 28 units, now and then 14: within 0.35 and 1.35 of the length
[ "$(figures one rate | sort -u | wc -l)" -ge 3 ] || { echo 'the rate is the same in all windows' && exit 1; }
figures one rate | awk '$1 < 0.0035 || $1 > 0.0135 { exit 1 }'
[ "$(figures plain rate | sort -u)" = 0.01 ] || { echo 'the rate of equal windows changes' && exit 1; }
# a capped input gate keeps states within [-1, 1]; others grow
figures one largest_state | awk '!($1 > 0.1 && $1 <= 1) { exit 1 }'
figures plain largest_state | awk '$1 > 1 { large = 1 } END { exit !large }'
diff <(figures one largest_state) <(figures three largest_state)
grep '"kind":"valid"' one/metrics.jsonl | grep -q '"largest_state":0[.]'
grep -qE '^step .* rate [^ ]+  state 0[.][0-9]+' one.log
grep -qE '^valid .*[(][0-9]+ lanes, largest state 0[.][0-9]+[)]$' one.log
