# Translation with subwords of a SentencePiece model, with the configuration for texts: prepare, train, translate,
# score.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
fail() { echo "$*" >&2 && exit 1; }
byte() { printf '%b' "\\x$(printf %02x "$1")"; }
# piece TEXT SCORE TYPE: field 1 of ModelProto, which holds text, score (four bytes) and type
piece() {
  local LC_ALL=C
  byte 10 && byte $((9 + ${#1})) && byte 10 && byte ${#1} && printf '%s\x15%b\x18' "$1" "$2" && byte "$3"
}
zero='\0000\0000\0000\0000' few='\0000\0000\0200\0277' some='\0000\0000\0000\0300' many='\0000\0000\0240\0300' # 0 -1 -2 -5
{
  piece '<unk>' $zero 2 && piece '<s>' $zero 3 && piece '</s>' $zero 3
  for word in the cat so at; do piece "▁$word" "$few" 1; done
  for part in at he ca; do piece $part "$some" 1; done
  for letter in ▁ t h e c a s o; do piece $letter "$many" 1; done
} >both.model
awk 'BEGIN { srand(3); split("the cat so at toast", w, " "); for (i = 0; i < 900; i++) { s = t = ""; for (n = 1 + int(4 * rand()); n; n--) {
  x = w[1 + int(5 * rand())]; s = s (s ? " " : "") x; t = x (t ? " " : "") t } print s "\t" t } }' >all.tsv
head -800 all.tsv >train.tsv && tail -100 all.tsv >valid.tsv
# As it is shipped, the configuration suits corpora of words, too.
"$LOCKSTEP" prepare pairs train.tsv --valid valid.tsv --unit word -o words.h5 >/dev/null 2>&1
train 1 translate-text.yaml words data.corpus=words.h5 model.hidden=16 model.embedding=16 train.steps=2 train.epochs=0
"$LOCKSTEP" prepare pairs train.tsv --valid valid.tsv --sentencepiece both.model --shared-vocabulary -o text.h5 >prepare.log 2>&1 || {
  grep -q 'without SentencePiece' prepare.log && exit 77
  cat prepare.log && exit 1
}
train 2 translate-text.yaml run data.corpus=text.h5 model.shared_embedding=true model.hidden=24 model.embedding=24 model.layers=2 \
  model.dropout=0 model.input_dropout=0 train.epochs=0 train.steps=100 eval.every=50
cut -f1 valid.tsv >in.txt
mpirun -n 2 "$LOCKSTEP" predict run/best.h5 --beam 4 <in.txt >found.txt
[ "$(wc -l <found.txt)" = 100 ]
paste in.txt found.txt | "$LOCKSTEP" score run/best.h5 | awk -F'\t' 'NF == 3 && $1 < 0 && $2 > 0 { n++ } END { exit n != 100 }'
# Different pieces can give the same text: no list has it twice, and some lists are shorter therefore.
"$LOCKSTEP" predict run/best.h5 --beam 16 --nbest 16 --scores <in.txt >lists.txt
[ -z "$(cut -f1,2 lists.txt | sort | uniq -d)" ] || fail "a list has a text twice"
[ "$(wc -l <lists.txt)" -lt 1600 ] || fail "no text was made of other pieces: nothing was tried"
# New pairs for the model with its own pieces and numbers, without the SentencePiece file
rm both.model
"$LOCKSTEP" prepare pairs --test valid.tsv --like run/best.h5 -o new.h5 >/dev/null 2>&1
diff <("$LOCKSTEP" eval run/best.h5 text.h5 --split valid --json | tr ',' '\n' | grep loss) \
  <("$LOCKSTEP" eval run/best.h5 new.h5 --split test --json | tr ',' '\n' | grep loss)
