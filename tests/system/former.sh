# Former names of settings: accepted in files, on the command line, in a run and in its checkpoint. tests/former holds a run
# of two steps that a version made which called the two keys model.pool and train.pool.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
cp "$LOCKSTEP_SOURCE/tests/former/corpus.h5" .
# run_of NAME: that run's folder
run_of() {
  mkdir -p "$1/checkpoints"
  cp "$LOCKSTEP_SOURCE/tests/former/config.yaml" "$1/"
  cp "$LOCKSTEP_SOURCE/tests/former/step-0000000002.h5" "$1/checkpoints/"
}
lacks() { if grep -q "$1" "$2"; then echo "$2 has $1" && return 1; fi; }
run_of run
run_of other
grep -q '^  pool: max$' run/config.yaml
grep -q '^  pool: 3$' run/config.yaml

# a file, and the new names in what is printed
"$LOCKSTEP" config run/config.yaml >printed.yaml 2>warnings.txt
[ "$(wc -l <warnings.txt)" -eq 2 ] # one a key
grep -q 'config.yaml:[0-9]*:9: model.pool is now called model.pooling$' warnings.txt
grep -q 'config.yaml:[0-9]*:9: train.pool is now called train.shuffle_window$' warnings.txt
grep -q '^  pooling: max$' printed.yaml
[ "$("$LOCKSTEP" config run/config.yaml --get model.pool 2>/dev/null)" = max ]
# the command line; it goes before the file, by either name
"$LOCKSTEP" config printed.yaml model.pool=mean --get model.pooling 2>warnings.txt | grep -qx mean
grep -q 'command line: model.pool=mean: model.pool is now called model.pooling$' warnings.txt
code=0
"$LOCKSTEP" config printed.yaml model.pool=mean model.pooling=mean >both.txt 2>&1 || code=$?
[ "$code" -eq 64 ]
grep -q 'model.pool is the former name of model.pooling: give one of them' both.txt

# other values than the checkpoint's are refused by their new names
code=0
"$LOCKSTEP" train run/config.yaml train.pool=4 train.steps=4 >other.log 2>&1 || code=$?
[ "$code" -eq 64 ]
grep -q "train.pool=4: the run in '.*' began with 3 and cannot go on with 4" other.log
# the run goes on: its file is warned of, by rank 0; the configuration that it then has is new
mpirun -n 2 "$LOCKSTEP" train run/config.yaml train.steps=4 >old.log 2>&1
grep -q 'resuming from .*step 2' old.log
grep -q 'done at step 4' old.log
[ "$(grep -c 'is now called' old.log)" -eq 2 ]
lacks 'pool:' run/config.yaml
# the configuration in a checkpoint is not warned of
"$LOCKSTEP" train printed.yaml run.dir=other train.steps=4 >new.log 2>&1
grep -q 'resuming from .*step 2' new.log
lacks 'is now called' new.log
"$LOCKSTEP" eval "$LOCKSTEP_SOURCE/tests/former/step-0000000002.h5" corpus.h5 >eval.txt 2>eval.log
grep -q '^accuracy' eval.txt
lacks 'is now called' eval.log
# both ways lead to the same model
model() { h5dump -g /model "$1" | sed 1d; }
diff <(model run/last.h5) <(model other/last.h5)
