# Settings that are fixed for a run: another value is refused (64), and no file is changed.
# Each key that `lockstep config --describe` calls fixed is tried.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_text
awk 'BEGIN { srand(1); for (i = 0; i < 60; i++) { s = t = ""; for (n = 1 + int(5 * rand()); n; n--) { k = int(4 * rand())
  s = s (s == "" ? "" : " ") "a" k; t = t (t == "" ? "" : " ") "a" k } print s "\t" t } }' >pairs.tsv
"$LOCKSTEP" prepare pairs pairs.tsv --shared-vocabulary -o pairs.h5 >/dev/null

# begin RUN CONFIG [key=value ...]: without mpirun, which would take longer than the run
begin() {
  local run=$1 config=$2
  shift 2
  "$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/$config" run.dir="$run" "$@" >"$run.log" 2>&1
}
# refused RUN KEY=VALUE CONFIG [key=value ...]
refused() {
  local run=$1 change=$2 config=$3 before code=0
  shift 3
  echo "${change%%=*}" >>tried
  before=$(cd "$run" && find . -type f ! -name log.txt -exec sha256sum {} + | sort)
  begin "$run" "$config" "$@" "$change" || code=$?
  [ "$code" -eq 64 ] || { echo "$change: ended with $code"; cat "$run.log"; return 1; }
  grep -q "${change%%=*}[:=].*'$run'" "$run.log" || { echo "$change: not named:"; cat "$run.log"; return 1; }
  [ "$before" = "$(cd "$run" && find . -type f ! -name log.txt -exec sha256sum {} + | sort)" ]
}

lm=(data.corpus=text.h5 model.hidden=12 model.embedding=12 train.batch=4 train.unroll=8 train.epochs=0 train.steps=2 train.schedule=constant)
begin lm lm-char.yaml "${lm[@]}"
for change in seed=9 train.batch=5 train.unroll=9 train.optimizer=sgd model.cell=elman model.hidden=13 \
  model.embedding=13 model.layers=1 model.input=onehot model.tied=true model.recurrent_bias=false eval.metric=perplexity \
  init.from=lm parallel.shards=3 parallel.wire=bf16 model.widths=13,12 model.cutoffs=20 train.unroll_random=true \
  train.precision=bf16; do
  refused lm "$change" lm-char.yaml "${lm[@]}" train.steps=4
done
begin sru lm-char.yaml "${lm[@]}" model.cell=sru
refused sru model.highway_bias=-1 lm-char.yaml "${lm[@]}" model.cell=sru train.steps=4
pairs=(data.corpus=pairs.h5 model.bidirectional=false model.hidden=12 model.embedding=12 model.layers=1 train.batch=4 train.epochs=0 train.steps=2)
begin pairs translate-g2p.yaml "${pairs[@]}"
for change in train.shuffle_window=7 model.attention=additive model.bridge=copy model.input_feeding=false model.bidirectional=true \
  model.shared_embedding=true; do
  refused pairs "$change" translate-g2p.yaml "${pairs[@]}" train.steps=4
done
awk 'BEGIN { for (i = 0; i < 40; i++) print "c" i % 2 "\tw" i % 5, "v" i % 3 }' >class.tsv
printf 'w%s 1 2\n' 0 1 2 3 4 >class.vec
"$LOCKSTEP" prepare classify class.tsv --feature casing --vectors class.vec -o class.h5 >/dev/null
class=(data.corpus=class.h5 model.hidden=12 model.embedding=12 train.batch=4 train.epochs=0 train.steps=2 train.patience=0 train.schedule=constant eval.metric=loss)
begin class classify-names.yaml "${class[@]}" model.pooling=max
refused class model.pooling=mean classify-names.yaml "${class[@]}" train.steps=4
refused class model.output=hinge classify-names.yaml "${class[@]}" model.pooling=max train.steps=4
for change in model.vectors=frozen model.features=casing model.characters=cnn model.character_embedding=9 model.character_hidden=9 \
  model.character_filters=9 model.character_widths=2; do
  refused class "$change" classify-names.yaml "${class[@]}" model.pooling=max train.steps=4
done
# the task is fixed too, but the corpus is for one task and refuses another before the run is looked at
echo task >>tried
"$LOCKSTEP" config --describe | sed -n 's/^  \([a-z_.]*\) .*; fixed for a run$/\1/p' | sort >fixed
[ "$(wc -l <fixed)" -ge 20 ]
sort -u tried | diff fixed -
# with the same settings the run resumes
begin lm lm-char.yaml "${lm[@]}" train.steps=4
grep -q 'done at step 4' lm.log
