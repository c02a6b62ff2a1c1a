# prepare label --tags bioes: files in any scheme give the same corpus and the same model, and predict, eval and score
# speak the scheme of the file.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
# Spans of two types, the same in five files; words x and y hint at the type. The letters are small and behind: "x:b".
python3 - <<'PYTHON'
import random
random.seed(4)
def sentence():
    spans, n = [], 0
    for _ in range(random.randint(2, 5)):
        t = random.choice("xy") if random.random() < 0.7 else None
        m = random.randint(1, 3)
        if spans and t and spans[-1][0] == t and random.random() < 0.8: t = None
        spans.append((t, m))
    return spans
def letters(spans, scheme):
    out = []
    for i, (t, m) in enumerate(spans):
        before = i > 0 and spans[i - 1][0] == t
        after = i + 1 < len(spans) and spans[i + 1][0] == t
        for k in range(m):
            first, last = k == 0, k == m - 1
            if t is None: out.append("o"); continue
            letter = {"IOB1": "b" if first and before else "i", "IOB2": "b" if first else "i",
                      "IOE1": "e" if last and after else "i", "IOE2": "e" if last else "i"}[scheme]
            out.append(t + ":" + letter)
    return out
parts = {part: [sentence() for _ in range(count)] for part, count in (("train", 200), ("valid", 60))}
words = {part: [[(t or "w") + str(random.randint(0, 20)) for t, m in s for _ in range(m)] for s in sentences]
         for part, sentences in parts.items()}
for scheme in ("IOB1", "IOB2", "IOE1", "IOE2"):
    for part, sentences in parts.items():
        with open(f"{scheme}.{part}", "w") as f:
            for spans, said in zip(sentences, words[part]):
                for w, tag in zip(said, letters(spans, scheme)): print(w, tag, sep="\t", file=f)
                print(file=f)
PYTHON
small=(model.hidden=16 model.embedding=12 model.layers=1 train.batch=16 train.steps=40 train.epochs=0 train.rate=0.03
  train.schedule=constant model.dropout=0 model.input_dropout=0 model.word_dropout=0)
for scheme in IOB1 IOB2 IOE1 IOE2; do
  "$LOCKSTEP" prepare label $scheme.train --valid $scheme.valid --column word=0,tag=1 --tags bioes -o $scheme.h5 >$scheme.txt
  grep -q "labels: 9, BIOES tags; those of the files are $scheme\$" $scheme.txt
  "$LOCKSTEP" train "$LOCKSTEP_SOURCE/tests/system/label-spans.yaml" data.corpus=$scheme.h5 run.dir=$scheme "${small[@]}" >$scheme.log 2>&1
  "$LOCKSTEP" inspect $scheme/last.h5 | grep -q "^tags  *BIOES; those of the files are $scheme\$"
  [ "$(sha $scheme/last.h5)" = "$(sha IOB1/last.h5)" ]
  "$LOCKSTEP" predict $scheme/last.h5 --input columns <$scheme.valid >$scheme.found
  "$LOCKSTEP" predict $scheme/last.h5 --nbest 2 --marginals <<<"x1 x2 w3 y4" >$scheme.best
  "$LOCKSTEP" eval $scheme/last.h5 $scheme.h5 --json >$scheme.json
  "$LOCKSTEP" score $scheme/last.h5 --input columns <$scheme.valid >$scheme.scores
  cmp $scheme.scores IOB1.scores
done
# several models together, and new data for a model
"$LOCKSTEP" predict IOB1/last.h5 IOB2/last.h5 --input columns <IOB1.valid | cmp - IOB1.found
"$LOCKSTEP" prepare label --like IOE2/last.h5 --valid IOE2.valid --column word=0,tag=1 -o like.h5 >/dev/null
"$LOCKSTEP" eval IOE2/last.h5 like.h5 --json | cmp - IOE2.json
# all answers have the scheme and mark the same spans; eval's accuracy is that of the file's tags
python3 - <<'PYTHON'
import json
def spans(tags):
    out, begin = set(), None
    for i, tag in enumerate(tags + ["o"]):
        t, letter = (tag.split(":") + [None])[:2] if tag != "o" else (None, None)
        before = tags[i - 1] if i > 0 else "o"
        bt, bl = before.split(":") if before != "o" else (None, None)
        if begin is not None and (bl == "e" or t != bt or letter == "b"): out.add((begin, i, bt)); begin = None
        if t is not None and begin is None: begin = i
    return out
def read(name):
    sentences, now = [], []
    for line in open(name):
        if line.strip(): now.append(line.rstrip("\n").split("\t")[1])
        elif now: sentences.append(now); now = []
    return sentences
reference = [spans(s) for s in read("IOB2.found")]
assert sum(map(len, reference)) > 30, "too few spans: the test shows nothing"
for scheme, letters in (("IOB1", "bi"), ("IOB2", "bi"), ("IOE1", "ei"), ("IOE2", "ei")):
    gold, found, figures = read(scheme + ".valid"), read(scheme + ".found"), json.load(open(scheme + ".json"))
    used = {tag[-1] for s in found for tag in s if tag != "o"}
    assert used <= set(letters), (scheme, used)
    assert [spans(s) for s in found] == reference, scheme
    pairs = [(a, b) for g, f in zip(gold, found) for a, b in zip(g, f)]
    assert abs(sum(a == b for a, b in pairs) / len(pairs) - figures["accuracy"]) < 1e-9, scheme
    right = sum(len(spans(g) & spans(f)) for g, f in zip(gold, found))
    f1 = 2 * right / (sum(len(spans(g)) for g in gold) + sum(len(spans(f)) for f in found))
    assert abs(f1 - figures["f1"]) < 1e-9, (scheme, f1, figures["f1"])
    for s in found:
        for before, tag in zip(["o"] + s, s):
            if scheme == "IOB2": assert not (tag.endswith("i") and before[0] != tag[0]), s
            if scheme == "IOB1": assert not (tag.endswith("b") and before[0] != tag[0]), s
    best = [line.split("\t") for line in open(scheme + ".best")]
    assert len(best) == 2 and all(set(tag[-1] for tag in b[1].split() if tag != "o") <= set(letters) for b in best), best
PYTHON
# a type that only the test part has is told in the scheme of the files
printf 'w1\tO\nn1\tnew:b\nn2\tnew:i\nn3\tnew:i\nw2\tO\nn4\tnew:b\nn5\tnew:b\n\n' >new.txt
"$LOCKSTEP" prepare label IOB2.train --valid IOB2.valid --test new.txt --column word=0,tag=1 --tags bioes -o new.h5 >/dev/null 2>&1
"$LOCKSTEP" eval IOB2/last.h5 new.h5 --split test --by class >new.said
if ! grep -qE ' 3  new:b$' new.said || ! grep -qE ' 2  new:i$' new.said; then cat new.said && exit 1; fi
if grep -qE 'new:[es]' new.said; then cat new.said && exit 1; fi
# mistakes
refused() {
  local status=0 expected=$1
  shift
  "$@" >refused.txt 2>&1 || status=$?
  [ "$status" -ne 0 ] && grep -qF -- "$expected" refused.txt && return 0
  cat refused.txt && echo "'$*' did not say: $expected" && return 1
}
printf 'a\tNOUN\nb\tB-x\nc\tI-x\n\n' >odd.txt
refused "--tags bioes: the label 'NOUN' is no tag of a span" "$LOCKSTEP" prepare label odd.txt --tags bioes -o odd.h5
printf 'a\tNOUN\n\n' >odd.txt
refused "--tags bioes: the label 'NOUN' is no tag" "$LOCKSTEP" prepare label odd.txt --tags bioes -o odd.h5
printf 'a\tx\n\n' >wrong.txt
refused "wrong.txt:1:3: the label 'x' is no tag of a span like the others" \
  "$LOCKSTEP" prepare label IOB2.train --valid wrong.txt --column word=0,tag=1 --tags bioes -o odd.h5
refused "--tags: expected file or bioes, found 'iob'" "$LOCKSTEP" prepare label odd.txt --tags iob -o odd.h5
refused '--tags contradicts --like' "$LOCKSTEP" prepare label --like IOB1/last.h5 --valid IOB1.valid --tags file -o odd.h5
refused '--tags is for label' "$LOCKSTEP" prepare text odd.txt --tags bioes -o odd.h5
printf 'a\tB-x\nb\tE-x\nc\tS-x\nd\tO\n\n' >as.txt
"$LOCKSTEP" prepare label as.txt --tags bioes -o as.h5 >as.out 2>&1
grep -q 'the tags already say where spans begin and end' as.out
grep -q '^  labels: 4$' as.out
