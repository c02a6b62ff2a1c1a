# train.restore_best: where plateau lowers the rate, the run returns to the weights and moments of the best evaluation,
# the same on any number of ranks and when it is killed on the way.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
# a text that stays the same, as what happens at such rates depends on every letter
awk 'BEGIN { for (x = i = 1; i <= 9000; i++) { x = (75 * x + 74) % 65537; printf "%s%s", substr("thehandofaseaisold", 1 + x % 15, 1 + x % 4), i % 12 ? " " : "\n" } }' >text.txt
"$LOCKSTEP" prepare text text.txt --unit char --stream --valid-fraction 0.1 -o text.h5 >/dev/null
# the rate is too high at first, so that evaluations get worse
small=(data.corpus=text.h5 model.hidden=20 model.embedding=12 train.batch=11 train.unroll=17 train.epochs=0 train.steps=40
  train.optimizer=momentum train.rate=16 train.warmup=0 train.schedule=plateau train.cooldown=1 eval.every=4
  checkpoint.every=1 checkpoint.keep=50)
returning() { train "$1" lm-char.yaml "$2" "${small[@]}" train.restore_best=true "${@:3}"; }
figures() { grep -oE '"(kind|step|loss|averaged_since)":[^,}]*' "$1/metrics.jsonl"; }
at() { printf '%s/checkpoints/step-%010d.h5' "$1" "$2"; }
# values FILE GROUP: all numbers of a group of tensors
values() { h5dump -g "$2" -y -w 1 -m %.9g "$1" | grep -E '^ *-?[0-9]'; }

returning 1 alone
sed -n 's/^step \([0-9]*\): the rate falls; training goes on from the weights of step \([0-9]*\), the best so far/\1 \2/p' \
  alone/log.txt alone.log | sort -nu >falls.txt
cat falls.txt
[ "$(wc -l <falls.txt)" -ge 2 ]
while read -r step best; do
  [ "$best" -lt "$step" ]
  for group in /model /optimizer; do
    cmp <(values "$(at alone "$step")" $group) <(values "$(at alone "$best")" $group)
  done
done <falls.txt
read -r step best <falls.txt
# killed before the fall, just after it, and later
kills=0
for when in $((step - 1)) $((step + 1)) $((step + 4)) ''; do
  LOCKSTEP_DEBUG=${when:+kill:rank=0,step=$when} returning $((2 + kills)) killed checkpoint.every=5 || kills=$((kills + 1))
done
[ "$kills" -eq 3 ]
for file in last best; do same "alone/$file.h5" "killed/$file.h5"; done
diff <(figures alone) <(figures killed)
# it makes a difference, and averages return too
train 1 lm-char.yaml without "${small[@]}"
if same alone/last.h5 without/last.h5 >/dev/null; then echo 'nothing was restored' && exit 1; fi
returning 1 average train.average=ema train.average_decay=0.5 train.rate=40
returning 3 average-3 train.average=ema train.average_decay=0.5 train.rate=40 checkpoint.every=5
same average/last.h5 average-3/last.h5
read -r step best < <(sed -n 's/^step \([0-9]*\): the rate falls; .* of step \([0-9]*\), .*/\1 \2/p' average.log)
for group in /model /training /optimizer; do
  cmp <(values "$(at average "$step")" $group) <(values "$(at average "$best")" $group)
done
# at the floor the rate no longer falls, and the run goes on from where it is
returning 1 floor train.floor=16
if grep -q 'the rate falls' floor.log; then echo 'the rate is at its floor' && exit 1; fi
# without the checkpoint to return to the run cannot go on as it would have
read -r step best <falls.txt
if LOCKSTEP_DEBUG=kill:rank=0,step=$step returning 1 gone; then echo 'it was not killed' && exit 1; fi
rm "$(at gone "$best")"
expect 74 'the best so far, is gone, and the rate falls: set train.restore_best to false' "$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/lm-char.yaml" run.dir=gone "${small[@]}" train.restore_best=true
# A run that goes back over a return, over the best evaluation and to steps before it goes on, killed on the way or not.
# With this seed the rate falls in step 6, when step 4 was the best, and steps 8 and 10 are better.
jumping() {
  LOCKSTEP_DEBUG=$1 returning "$2" "$3" seed=3 train.steps=26 eval.every=2 checkpoint.every=5 checkpoint.keep=1 \
    train.spike_window=3 train.spike_factor=100 "train.spike=rollback $4"
}
for where in '11 3' '11 6' '13 6'; do
  read -r spike back <<<"$where"
  jumping "spike:rank=0,step=$spike" 1 "back-$spike-$back" "$back"
  jumping "spike:rank=0,step=$spike;kill:rank=1,step=$((spike + 3))" 2 "torn-$spike-$back" "$back" && exit 1
  jumping "spike:rank=0,step=$spike" 3 "torn-$spike-$back" "$back"
  grep -q '^step 6: the rate falls; .* of step 4,' "back-$spike-$back.log"
  grep -q "goes back $back steps" "back-$spike-$back.log"
  same "back-$spike-$back/last.h5" "torn-$spike-$back/last.h5"
done
