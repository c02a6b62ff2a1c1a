# Settings without effect are warned about, once each; the shipped configurations have none.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
for file in "$LOCKSTEP_SOURCE"/configs/*.yaml; do
  "$LOCKSTEP" config "$file" 2>warnings.txt >/dev/null
  [ ! -s warnings.txt ] || { echo "$file:"; cat warnings.txt; exit 1; }
done
# warns CONFIG KEY=VALUE WORDS [KEY=VALUE ...]
warns() {
  "$LOCKSTEP" config "$(config_of "$1")" "$2" "${@:4}" 2>warnings.txt >/dev/null
  grep -q "${2%%=*}: ${2#*=} has no effect with $3\$" warnings.txt || { echo "$2:"; cat warnings.txt; return 1; }
  [ "$(wc -l <warnings.txt)" = 1 ]
}
warns textbook-label.yaml model.input_dropout=0.2 'model.input: onehot'
warns textbook-label.yaml model.embedding=64 'model.input: onehot'
warns textbook-label.yaml train.momentum=0.8 'train.optimizer: sgd'
warns lm-word-awd.yaml model.hidden=300 'model.widths: "800, 256"'
warns textbook-label.yaml train.clip_by=value 'train.clip: 0' train.clip=0
warns label-words.yaml model.embedding=64 'model.vectors: frozen' model.vectors=frozen
warns lm-line.yaml train.rho=0.8 'train.optimizer: adam'
warns lm-line.yaml model.forget_bias=0 'model.cell: gru'
warns lm-line.yaml model.highway_bias=1 'model.cell: gru'
warns lm-line.yaml model.recurrent_init=orthogonal 'model.cell: mingru' model.cell=mingru
warns lm-line.yaml model.attention=dot 'task: lm'
warns label-words.yaml train.sampling=0.5 'task: label'
warns lm-line.yaml train.cooldown=2 'train.schedule: constant'
warns lm-line.yaml train.spike_factor=3 'train.spike: off'
warns lm-line.yaml model.pooling=max 'task: lm'
# what depends on the corpus is warned about by train
corpus_text
corpus_lines
small=(model.hidden=8 model.embedding=8 train.epochs=0 train.steps=2 train.schedule=constant)
"$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/lm-char.yaml" data.corpus=text.h5 run.dir=text train.shuffle_window=7 "${small[@]}" >text.log 2>&1
grep -q 'train.shuffle_window: 7 has no effect on one running text' text.log
"$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/lm-line.yaml" data.corpus=lines.h5 run.dir=lines train.unroll=7 "${small[@]}" >lines.log 2>&1
grep -q 'train.unroll: 7 has no effect on a corpus of separate sequences' lines.log
