# On a full disk the run ends with exit code 74 and an intact last checkpoint; with more space the same command resumes
# and ends with the weights of an undisturbed run.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
mkdir -p disk
if [ -z "${FAULT_MOUNTS:-}" ]; then # in a space of mounts of its own, which goes with it
  unshare -m true 2>/dev/null || exit 77
  FAULT_MOUNTS=own exec unshare -m bash -eu "$0"
fi
mount -t tmpfs -o size=4k lockstep-test disk 2>/dev/null || exit 77
corpus_lines
small=("$LOCKSTEP_SOURCE/configs/lm-line.yaml" data.corpus=lines.h5 model.hidden=24 model.embedding=16 train.batch=8 train.epochs=0
  train.steps=8 eval.every=3 checkpoint.every=1 log.tensorboard=true)
go() { mpirun -n "$1" "$LOCKSTEP" train "${small[@]}" run.dir="$2"; }
go 2 alone >alone.log 2>&1
one=$(($(stat -Lc %s alone/last.h5) / 1024 + 1)) # KiB of a checkpoint
full=0
for room in 8 $((one / 2)) $((one + 40)) $((one * 3 / 2)) $((2 * one + 40)) $((5 * one / 2)) $((4 * one)) $((8 * one)); do
  mount -o remount,size="$room"k disk
  code=0
  go $((1 + room % 3)) disk/run >out.txt 2>err.txt || code=$?
  echo "$room KiB: exit code $code, $(find disk -name 'step-*.h5' | wc -l) checkpoints"
  [ -z "$(find disk -name '.*lockstep-tmp')" ] || { echo "left over" && find disk && exit 1; }
  for file in disk/run/checkpoints/step-*.h5 disk/run/last.h5; do
    if [ -e "$file" ]; then "$LOCKSTEP" verify "$file" >/dev/null; fi
  done
  # every save that was logged exists
  sed -n 's/.*saved step \([0-9]*\) in .*/\1/p' err.txt | while read -r step; do
    [ "$step" -le "$(find disk/run/checkpoints -name 'step-*.h5' | sed 's/.*step-0*//; s/[.]h5//' | sort -n | tail -1)" ]
  done
  case $code in
    0) break ;;
    74) full=$((full + 1)) && grep -q '^lockstep: .*No space left on device' err.txt ;;
    *) cat err.txt && exit 1 ;;
  esac
done
[ "$code" -eq 0 ] && [ "$full" -ge 4 ]
same alone/last.h5 disk/run/last.h5
# the curves of all starts together are those of metrics.jsonl
if command -v python3 >/dev/null; then python3 "$LOCKSTEP_SOURCE/tests/system/read_events.py" disk/run disk/run/metrics.jsonl; fi
