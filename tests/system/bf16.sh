# train.precision=bf16: the same bits for any number of ranks, with every instruction set and after kills; every task, and
# what does not multiply by weights stays float32. A model of one precision is used in the other.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_all

kernels=(portable)
for isa in avx2 avx512f avx512_bf16; do
  if grep -qw $isa /proc/cpuinfo; then kernels+=("$(sed 's/512f/512/; s/_//' <<<$isa)"); fi
done
small="train.steps=8 eval.every=4 model.hidden=21 model.embedding=13 train.batch=11"

# compare NAME CONFIG key=value...: the same bits for R = 1 and each of $more, and with each of $kernels; other bits than
# in float32, and nearly its loss. unit.recurrent compares every cell.
compare() {
  local name=$1 config=$2 ranks isa
  shift 2
  for ranks in 1 $more; do
    # shellcheck disable=SC2086
    train $ranks "$config" "$name-$ranks" train.precision=bf16 $small "$@"
    grep -q ' kernels, products of bf16' "$name-$ranks.log"
    same "$name-1/last.h5" "$name-$ranks/last.h5"
    diff <(grep -o '"loss":[^,]*' "$name-1/metrics.jsonl") <(grep -o '"loss":[^,]*' "$name-$ranks/metrics.jsonl")
  done
  for isa in "${kernels[@]}"; do
    # shellcheck disable=SC2086
    train 1 "$config" "$name-$isa" train.precision=bf16 kernels=$isa $small "$@"
    grep -q " $isa kernels, products of bf16" "$name-$isa.log"
    same "$name-1/last.h5" "$name-$isa/last.h5"
  done
  # shellcheck disable=SC2086
  train 1 "$config" "$name-float32" $small "$@"
  if grep -q 'products of bf16' "$name-float32.log"; then echo 'float32 is not the default' && exit 1; fi
  if same "$name-1/last.h5" "$name-float32/last.h5" >/dev/null; then echo "$name: bf16 changed nothing" && exit 1; fi
  near "$(last_loss "$name-1")" "$(last_loss "$name-float32")"
}
last_loss() { grep '"valid"' "$1/metrics.jsonl" | tail -1 | grep -oE '"loss":[^,}]*' | cut -d: -f2; }
near() { awk -v a="$1" -v b="$2" 'BEGIN { d = (a - b) / b; exit !(a > 0 && b > 0 && d < 0.02 && d > -0.02) }'; }

more="2 3 4" compare lstm lm-line.yaml data.corpus=lines.h5
kernels=(portable) more=3
compare recipe lm-char.yaml data.corpus=text.h5 train.unroll=17 model.weight_dropout=0.3 model.layers=2 model.widths=20,9
compare onehot textbook-lm.yaml data.corpus=text.h5 model.layers=2
compare tied lm-line.yaml data.corpus=lines.h5 model.embedding=21 model.tied=true train.accumulate=2
compare adaptive lm-char.yaml data.corpus=text.h5 train.unroll=17 model.output=adaptive model.cutoffs=12,30,50
compare translate translate-names.yaml data.corpus=pairs.h5
compare additive translate-names.yaml data.corpus=pairs.h5 model.attention=additive
compare crf label-words.yaml data.corpus=label.h5 model.output=crf model.characters=cnn
compare classify classify-names.yaml data.corpus=classify.h5 model.cell=gru

# The order of AMX, by its model and, where there is one, by AMX itself: other bits, the same for any number of ranks,
# though the head's gradient is then summed in other parts, and after a stop. To go on in another order is said.
tiles="data.corpus=lines.h5 train.precision=bf16 $small train.batch=44"
# shellcheck disable=SC2086
{
  train 1 lm-line.yaml common $tiles
  for ranks in 1 2 3; do
    train $ranks lm-line.yaml "tiles-$ranks" $tiles kernels=amx-model
    grep -q ' amx-model kernels, products of bf16' "tiles-$ranks.log"
    same tiles-1/last.h5 "tiles-$ranks/last.h5"
  done
  if same common/last.h5 tiles-1/last.h5 >/dev/null; then echo 'amx-model adds in the common order' && exit 1; fi
  near "$(last_loss common)" "$(last_loss tiles-1)"
  train 2 lm-line.yaml tiles-parts $tiles kernels=amx-model train.steps=5
  train 1 lm-line.yaml tiles-parts $tiles kernels=amx-model
  same tiles-1/last.h5 tiles-parts/last.h5
  if grep -q 'goes on with others' tiles-parts.log; then echo 'the same order is called another one' && exit 1; fi
  train 1 lm-line.yaml tiles-parts $tiles train.steps=9
  grep -q 'began with kernels that add products of bf16 as AMX does, and goes on with others' tiles-parts.log
  if "$LOCKSTEP" --version | sed 's/; not on this CPU.*//' | grep -qE '^kernels.* amx(,|$)'; then
    train 2 lm-line.yaml tiles-amx $tiles kernels=amx
    same tiles-1/last.h5 tiles-amx/last.h5
  fi
}

# killed and resumed on other numbers of ranks, with other kernels
text="data.corpus=text.h5 model.hidden=24 model.embedding=12 train.batch=11 train.unroll=8 train.epochs=0 train.steps=150 checkpoint.every=7 eval.every=30 train.precision=bf16"
# shellcheck disable=SC2086
{
  train 2 lm-char.yaml alone $text
  run_killed killed lm-char.yaml $text
  same alone/last.h5 killed/last.h5
  train 1 lm-char.yaml parts $text train.steps=40 kernels=portable
  train 3 lm-char.yaml parts $text
  same alone/last.h5 parts/last.h5
}

# A model is used in the precision of its run, or in the one that is asked for.
loss_of() { "$LOCKSTEP" eval "$@" 2>/dev/null | sed -n 's/^loss\t//p'; }
ours=$(loss_of lstm-1/last.h5 lines.h5)
[ "$ours" = "$(loss_of lstm-1/last.h5 lines.h5 --precision bf16)" ]
other=$(loss_of lstm-1/last.h5 lines.h5 --precision float32)
[ "$ours" != "$other" ]
near "$ours" "$other"
[ "$(loss_of lstm-float32/last.h5 lines.h5)" = "$(loss_of lstm-float32/last.h5 lines.h5 --precision float32)" ]
[ "$(loss_of lstm-float32/last.h5 lines.h5)" != "$(loss_of lstm-float32/last.h5 lines.h5 --precision bf16)" ]
head -5 lines.txt >some.txt
for way in "score lstm-1/last.h5" "generate alone/last.h5 --temperature 0 --length 30" "predict translate-1/last.h5 --scores"; do
  input=some.txt
  [ "${way%% *}" = predict ] && input=pairs.txt && cut -f1 pairs.tsv | head -5 >pairs.txt
  # shellcheck disable=SC2086
  {
    "$LOCKSTEP" $way <$input >run.out
    "$LOCKSTEP" $way --precision bf16 <$input | cmp - run.out
    "$LOCKSTEP" $way --precision float32 <$input >float32.out
  }
  [ "${way%% *}" = generate ] || ! cmp -s run.out float32.out || { echo "$way: --precision changes nothing" && exit 1; }
done
expect 64 "^lockstep: --precision: expected float32 or bf16, found 'half'$" "$LOCKSTEP" eval lstm-1/last.h5 lines.h5 --precision half

# An exported model is one of float32, and so is what it says of the probe.
"$LOCKSTEP" export classify-1/last.h5 -o classify.safetensors >/dev/null
"$LOCKSTEP" import classify.safetensors -o classify-again.h5 >/dev/null
same classify-1/last.h5 classify-again.h5

# A run keeps its precision (fixed.sh); OpenBLAS has no products of bf16.
# shellcheck disable=SC2086
expect 64 'train.precision.*blas has no products of bf16: choose kernels: auto' \
  "$LOCKSTEP" train "$(config_of label-words.yaml)" data.corpus=label.h5 run.dir=blas kernels=blas train.precision=bf16 $small
