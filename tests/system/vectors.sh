# Vectors of words: prepare stores them, frozen, tuned and added nets read them, predict knows words that only they know;
# the same bits for any number of ranks and after a kill; frozen ones never change.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
# A word's tag is the place of the largest number of its vector; half of the words of valid.txt are not in train.txt.
awk 'BEGIN { srand(5); for (w = 0; w < 90; w++) { t = w % 3; printf "%s%d", (w % 7 ? "w" : "W"), w
  for (i = 0; i < 5; i++) printf " %.3f", (i == t ? 1.5 : 0) + rand() / 2; print "" } }' >plain.vec
sentences() { # SEED N FIRST LAST: capitals of words whose vector has a small letter
  awk -v seed="$1" -v n="$2" -v first="$3" -v last="$4" 'BEGIN { srand(seed); split("red green blue", tag); for (; n; n--) {
    for (k = 1 + int(8 * rand()); k; k--) { w = first + int((last - first) * rand())
      print (rand() < 0.3 ? "W" : w % 7 ? "w" : "W") w "\t" tag[1 + w % 3] } print "" } }'
}
sentences 1 200 0 60 >train.txt
sentences 2 50 30 90 >valid.txt
(echo 90 5 && cat plain.vec) >headed.vec
gzip -c headed.vec >headed.vec.gz
python3 - <<'PY'
import struct
rows = [line.split() for line in open('plain.vec')]
with open('binary.bin', 'wb') as out:
    out.write(b'90 5\n')
    for word, *values in rows: out.write(word.encode() + b' ' + struct.pack('<5f', *map(float, values)) + b'\n')
PY
# every form gives the same corpus, but for the name of the file
for form in plain.vec headed.vec headed.vec.gz binary.bin; do
  "$LOCKSTEP" prepare label train.txt --valid valid.txt --vectors $form --vectors-all -o "c-$form.h5" >"said-$form"
  h5diff c-plain.vec.h5 "c-$form.h5" /vectors /vectors
  h5diff c-plain.vec.h5 "c-$form.h5" /train /train
done
[ "$(h5dump -d /vectors/values -s 0,0 -c 2,5 c-plain.vec.h5 | grep -cE '\([01],0\): 0, 0, 0, 0, 0,?$')" -eq 2 ] # no words
grep -q 'vectors: 90 words kept of 90 in plain.vec, 5 numbers each; [0-9]* of the words do not occur in the training part' said-plain.vec
grep -qE 'of [0-9]+ different words: as they are [0-9]+ \([0-9.]+ %\), in lower case [0-9]+ \([0-9.]+ %\), not found [0-9]+' said-plain.vec
grep -qE 'of [0-9]+ running words: as they are' said-plain.vec
"$LOCKSTEP" inspect c-plain.vec.h5 | grep -q '^vectors      90 words, 5 numbers each$'
"$LOCKSTEP" prepare label train.txt --valid valid.txt --vectors plain.vec -o seen.h5 >said-seen
if grep -q 'not in the training part' said-seen; then exit 1; fi

small=(data.corpus=c-plain.vec.h5 model.hidden=12 model.embedding=6 model.layers=1 model.dropout=0 model.input_dropout=0.1 train.batch=16
  train.epochs=0 train.steps=120 train.rate=0.02 train.schedule=constant train.warmup=0 eval.metric=accuracy checkpoint.every=20)
for use in frozen tuned added; do
  for ranks in 1 2 3 4 8; do train "$ranks" label-words.yaml "$use-$ranks" "${small[@]}" model.vectors=$use; done
  for ranks in 2 3 4 8; do same "$use-1/last.h5" "$use-$ranks/last.h5"; done
  if LOCKSTEP_DEBUG=kill:rank=1,step=70 train 2 label-words.yaml "$use-killed" "${small[@]}" model.vectors=$use; then
    echo 'rank 1 was not killed' && exit 1
  fi
  train 3 label-words.yaml "$use-killed" "${small[@]}" model.vectors=$use
  same "$use-1/last.h5" "$use-killed/last.h5"
  # words that only the vectors know are tagged by them: all of them right, which <unk> for all cannot be
  [ "$(echo 'w88 w79 w65 w87 w82 w71' | "$LOCKSTEP" predict "$use-1/best.h5" 2>/dev/null)" = 'green green blue red green blue' ]
  [ "$(printf 'w88\tW79\tw65\n' | "$LOCKSTEP" predict "$use-1/best.h5" 2>/dev/null)" = $'green\tgreen\tblue' ]
  [ "$(echo w88 | "$LOCKSTEP" predict --scores "$use-1/best.h5" 2>/dev/null)" != "$(echo xx | "$LOCKSTEP" predict --scores "$use-1/best.h5" 2>/dev/null)" ]
  # new data for the model finds them too; data without them is refused
  "$LOCKSTEP" prepare label valid.txt --like "$use-1/best.h5" -o "like-$use.h5" >/dev/null
  "$LOCKSTEP" eval "$use-1/best.h5" "like-$use.h5" | grep -E '^accuracy' >figure
  awk '$2 < 0.97 { print; exit 1 }' figure
done
# frozen numbers are those of the corpus to the end, and no tensor has them; tuned ones are a tensor that has moved
h5diff c-plain.vec.h5 frozen-1/last.h5 /vectors/values /vectors/values
h5diff c-plain.vec.h5 added-1/last.h5 /vectors/values /vectors/values
if h5diff c-plain.vec.h5 tuned-1/last.h5 /vectors/values /model/vectors/weight >/dev/null; then echo 'nothing was tuned' && exit 1; fi
h5ls -r frozen-1/last.h5 | grep -q '/model/vectors/missing'
if h5ls -r frozen-1/last.h5 | grep -qE '/model/(vectors/weight|embedding)|/optimizer/.*/vectors/weight'; then exit 1; fi
h5ls -r added-1/last.h5 | grep -q /model/embedding/weight
if h5ls -r tuned-1/last.h5 | grep -q /vectors/values; then exit 1; fi
"$LOCKSTEP" inspect tuned-1/last.h5 | grep -q 'words only'
# without --vectors-all an unseen word has no vector
train 1 label-words.yaml seen "${small[@]}" data.corpus=seen.h5 model.vectors=frozen
[ "$(echo w88 | "$LOCKSTEP" predict --scores seen/best.h5 2>/dev/null)" = "$(echo xx | "$LOCKSTEP" predict --scores seen/best.h5 2>/dev/null)" ]
# a net that does not read them stores none
train 1 label-words.yaml none "${small[@]}"
if h5ls none/last.h5 | grep -q vectors; then exit 1; fi
"$LOCKSTEP" eval none/best.h5 c-plain.vec.h5 >/dev/null

# init.from: the tuned rows of words that both have; no step: what was taken is what is there
train 1 label-words.yaml again "${small[@]}" model.vectors=tuned train.steps=1 train.rate=0 init.from=tuned-1/last.h5
same tuned-1/last.h5 again/last.h5
train 1 label-words.yaml rows "${small[@]}" data.corpus=seen.h5 model.vectors=tuned train.steps=1 train.rate=0 init.from=tuned-1/last.h5
grep -q 'taken row by row: .*vectors.weight ([0-9]* of [0-9]* words)' rows/log.txt || { cat rows/log.txt && exit 1; }

# a classifier, and a language model, whose words are found by the vocabulary
awk -F'\t' 'NF { print $2 "\t" $1 }' train.txt >classes.tsv
"$LOCKSTEP" prepare classify classes.tsv --vectors plain.vec --vectors-all --valid-fraction 0.1 -o classes.h5 >/dev/null
train 2 classify-names.yaml classes data.corpus=classes.h5 model.vectors=frozen model.hidden=8 train.epochs=12 train.batch=32 train.rate=0.02
[ "$(printf 'w88\nw65\nw87\n' | "$LOCKSTEP" predict classes/best.h5 2>/dev/null | paste -sd' ')" = 'green blue red' ]
cut -f1 train.txt | paste -sd' ' | fold -sw 60 >lines.txt
for stream in "" --stream; do
  # shellcheck disable=SC2086
  "$LOCKSTEP" prepare text lines.txt $stream --min-count 2 --vectors headed.vec.gz --valid-fraction 0.1 -o text.h5 >said-text
  grep -q 'running words: as they are' said-text
  h5ls text.h5/vectors | grep -q source
  for use in frozen tuned added; do
    rm -rf text-1 text-3
    for ranks in 1 3; do
      train $ranks lm-word.yaml "text-$ranks" data.corpus=text.h5 model.vectors=$use model.tied=false model.hidden=10 model.embedding=6 model.layers=1 train.steps=9 train.batch=6 train.unroll=5
    done
    same text-1/last.h5 text-3/last.h5
    "$LOCKSTEP" score text-1/last.h5 <lines.txt >/dev/null
  done
done

# mistakes
"$LOCKSTEP" prepare label train.txt --valid valid.txt -o bare.h5 >/dev/null
expect 64 'model.vectors=frozen: the corpus has no vectors of words' "$LOCKSTEP" train "$LOCKSTEP_SOURCE/tests/system/label-words.yaml" data.corpus=bare.h5 run.dir=refused model.vectors=frozen
expect 64 'did you mean .frozen.' "$LOCKSTEP" train "$LOCKSTEP_SOURCE/tests/system/label-words.yaml" data.corpus=bare.h5 run.dir=refused model.vectors=frosen
expect 64 'column .vectors. is read by model.vectors' "$LOCKSTEP" train "$LOCKSTEP_SOURCE/tests/system/label-words.yaml" data.corpus=seen.h5 run.dir=refused model.features=vectors
expect 64 'model.vectors is added' "$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/lm-word.yaml" data.corpus=text.h5 run.dir=refused model.vectors=added model.tied=true
"$LOCKSTEP" prepare label train.txt --valid valid.txt --like tuned-1/best.h5 -o words.h5 >/dev/null
expect 64 'has the words of the vectors, but not the vectors' "$LOCKSTEP" train "$LOCKSTEP_SOURCE/tests/system/label-words.yaml" data.corpus=words.h5 run.dir=refused model.vectors=tuned
expect 65 'no column "vectors" as the model reads it' "$LOCKSTEP" eval frozen-1/best.h5 bare.h5
expect 64 'say --vectors FILE' "$LOCKSTEP" prepare label train.txt --feature vectors -o no.h5
expect 64 'say --vectors FILE' "$LOCKSTEP" prepare label train.txt --vectors-all -o no.h5
expect 64 'vectors are of words' "$LOCKSTEP" prepare text lines.txt --unit char --vectors plain.vec -o no.h5
expect 64 'contradicts --like' "$LOCKSTEP" prepare label train.txt --like seen.h5 --vectors plain.vec -o no.h5
sed '40s/ [^ ]*$//' plain.vec >bad.vec
expect 65 'bad.vec:40: 4 numbers behind the word, expected 5 as in line 1' "$LOCKSTEP" prepare label train.txt --vectors bad.vec -o no.h5
echo zz 1 2 3 >other.vec
expect 65 'other.vec: none of its 1 words occurs' "$LOCKSTEP" prepare label train.txt --vectors other.vec -o no.h5
[ ! -e no.h5 ]
# of a word that occurs twice the first counts; a limit of unseen words
cat plain.vec plain.vec >twice.vec
"$LOCKSTEP" prepare label train.txt --vectors twice.vec --vectors-all --vectors-limit 4 -o twice.h5 2>said >/dev/null
grep -q 'twice.vec: [0-9]* rows of words that it already had: the first one counts' said
grep -q 'more words left out, beyond --vectors-limit 4' said
