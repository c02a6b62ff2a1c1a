# The same bits with all instruction sets (and on aarch64, see tests/aarch64/run) and any number of ranks: every task,
# cell, attention and optimizer.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_lines
corpus_label
corpus_classify
corpus_pairs

kernels=(portable)
for isa in avx2 avx512f; do
  if grep -qw $isa /proc/cpuinfo; then kernels+=("${isa%f}"); fi
done
# and with a CPU of before 2013 under qemu, where libm uses other code too
old=$(command -v qemu-x86_64-static || true)
if [ -n "$old" ] && [ -n "${LOCKSTEP_AARCH64:-}" ]; then kernels+=(nehalem); fi
# tests/aarch64/run sets LOCKSTEP_AARCH64 to a program for that architecture, run under qemu
if [ -n "${LOCKSTEP_AARCH64:-}" ]; then kernels+=(aarch64); fi
all_ranks="1 2 3"
if [ -n "${LOCKSTEP_AARCH64_SHORT:-}" ]; then kernels=(portable aarch64) all_ranks="1 2"; fi
printf '#!/bin/sh\nexec %s -cpu Nehalem %s "$@"\n' "$old" "$LOCKSTEP" >nehalem && chmod +x nehalem
small="train.steps=8 eval.every=4 model.hidden=20 model.embedding=12 train.batch=11"

# compare NAME CONFIG key=value...: all kernels, R in $all_ranks
compare() {
  local name=$1 config=$2 isa ranks asked
  shift 2
  for isa in "${kernels[@]}"; do
    for ranks in $all_ranks; do
      asked=$isa
      case $isa in aarch64 | nehalem) asked=portable ;; esac
      # shellcheck disable=SC2086
      (
        if [ "$isa" = aarch64 ]; then LOCKSTEP=$LOCKSTEP_AARCH64; fi
        if [ "$isa" = nehalem ]; then LOCKSTEP=$PWD/nehalem; fi
        train $ranks "$config" "$name-$isa-$ranks" kernels=$asked $small "$@"
      )
      grep -q " $asked kernels" "$name-$isa-$ranks.log" # those that were asked for
      same "$name-portable-1/last.h5" "$name-$isa-$ranks/last.h5"
      diff <(grep -o '"loss":[^,]*' "$name-portable-1/metrics.jsonl") <(grep -o '"loss":[^,]*' "$name-$isa-$ranks/metrics.jsonl")
    done
  done
  echo "$name $(sha "$name-portable-1/last.h5")"
}
compare lm lm-line.yaml data.corpus=lines.h5 train.smoothing=0.1
compare additive translate-names.yaml data.corpus=pairs.h5 model.attention=additive
if [ -n "${LOCKSTEP_AARCH64_SHORT:-}" ]; then exit; fi
attentions=$(choices model.attention)
for attention in $attentions; do # dot needs an encoder as wide as the decoder
  all_ranks='1 2' compare "$attention-forward" translate-names.yaml data.corpus=pairs.h5 model.attention="$attention" model.bidirectional=false
done
compare general-both translate-names.yaml data.corpus=pairs.h5 model.attention=general model.bidirectional=true
cells=$(choices model.cell)
for cell in $cells; do all_ranks='1 2' compare "$cell" lm-line.yaml data.corpus=lines.h5 model.cell="$cell"; done
compare label label-words.yaml data.corpus=label.h5
compare classify classify-names.yaml data.corpus=classify.h5 train.schedule=cosine
if same lm-portable-1/last.h5 label-portable-1/last.h5 >/dev/null; then echo 'the comparison cannot fail' && exit 1; fi
echo "the same bits: ${kernels[*]}, one to three ranks"
