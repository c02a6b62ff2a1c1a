# The weights are the same however the ranks communicate: shared memory on one host, on two hosts with any placement of
# ranks, messages. Missing shared memory is an error only where it was asked for.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_lines

# path NAME RANKS WORDS HOSTS [key=value ...]: train; WORDS in the log confirm which way was used
path() {
  local name=$1 ranks=$2 words=$3 hosts=$4
  shift 4
  LOCKSTEP_TEST_HOSTS=$hosts train "$ranks" lm-line.yaml "$name" data.corpus=lines.h5 train.steps=12 model.hidden=20 \
    model.embedding=36 train.batch=11 parallel.shards=7 "$@"
  grep -q "gradients by $words" "$name.log" || { echo "$name: not '$words'"; cat "$name.log"; return 1; }
  [ -n "${early:-}" ] || same one/last.h5 "$name/last.h5"
}
train 1 lm-line.yaml one data.corpus=lines.h5 train.steps=12 model.hidden=20 model.embedding=36 train.batch=11 parallel.shards=7
path window 4 'shared memory, 4 ranks in 1 group' aaaa parallel.reduction=windows
path two 4 'shared memory, 4 ranks in 2 groups' aabb
path dealt 4 'shared memory, 4 ranks in 2 groups' abab
path uneven 3 'shared memory, 3 ranks in 2 groups' abb
path messages 4 'messages between 4 ranks' aaaa parallel.reduction=messages
if [ "$LOCKSTEP_MPI" = openmpi ]; then # without what makes such windows
  OMPI_MCA_osc=^sm path unshared 2 'messages between 2 ranks: MPI gives no shared window' aa
fi

# Not enough shared memory: messages are used and the reason logged; an error with parallel.reduction=shared. A run may
# resume with the other way.
early=1 LOCKSTEP_TEST_SHM=1000 path small 2 'messages between 2 ranks: .* MiB left' aa train.steps=5
path small 3 'shared memory, 3 ranks in 1 group' aaa
LOCKSTEP_TEST_SHM=1000 expect 64 'no shared memory between ranks: .* MiB left' mpirun -n 2 "$LOCKSTEP" train \
  "$LOCKSTEP_SOURCE/configs/lm-line.yaml" data.corpus=lines.h5 run.dir=none parallel.reduction=windows
expect 64 'parallel.reduction' "$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/lm-line.yaml" data.corpus=lines.h5 \
  run.dir=none parallel.reduction=window
