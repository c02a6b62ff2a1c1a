# `report`: a page that is well-formed, small, safe against what runs and corpora are named, and true: its figures are
# those of metrics.jsonl, eval, predict and generate; what is missing is told in its place.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_label
corpus_pairs
corpus_text
tiny=(model.hidden=12 model.embedding=12 train.schedule=constant parallel.shards=2)
# run CONFIG NAME SETTING...: on one rank, without mpirun
run() {
  local config=$1 name=$2
  shift 2
  "$LOCKSTEP" train "$(config_of "$config")" run.dir="$name" "${tiny[@]}" "$@" >log.txt 2>&1
}

# a label that is markup; a run that is resumed; another that differs in two settings
sed -i $'s/\\todd$/\\t<i>\\&"\'odd/' label.txt
# and labels that are wrong in one direction, so that rows and columns of the confusion matrix differ
awk -F'\t' -v OFS='\t' '$2 == "even" && ++n % 5 == 0 { $2 = "<i>&\"\047odd" } { print }' label.txt >wrong.txt
mv wrong.txt label.txt
"$LOCKSTEP" prepare label label.txt --column word=0,tag=-1 --valid-fraction 0.1 -o label.h5 >/dev/null
mkdir runs
tags='runs/<script>x("&amp;")'
run label-words.yaml "$tags" data.corpus=label.h5 train.epochs=4 eval.every=5 train.rate=0.01
run label-words.yaml "$tags" data.corpus=label.h5 train.epochs=7 eval.every=5 train.rate=0.01
run label-words.yaml runs/other data.corpus=label.h5 train.epochs=7 eval.every=5 train.rate=0.02 model.hidden=9
run translate-names.yaml runs/pairs data.corpus=pairs.h5 train.epochs=2
run lm-char.yaml runs/text data.corpus=text.h5 train.steps=30 train.epochs=0 train.batch=8 eval.every=10

"$LOCKSTEP" report "$tags" -o tags.html >said
[ "$(cat said)" = "tags.html: $(stat -c %s tags.html) bytes, a page about $tags" ]
"$LOCKSTEP" report runs/pairs -o pairs.html --seconds 30
"$LOCKSTEP" report runs/text/ -o text.html --seconds 30
[ "$("$LOCKSTEP" report "$tags" runs/other runs/text -o three.html | sed 's/.*about //')" = "$tags, runs/other and runs/text" ]
"$LOCKSTEP" report "$tags" -o tags.html # a report is replaced
"$LOCKSTEP" eval "$tags/best.h5" label.h5 --confusion --json >confusion.json
"$LOCKSTEP" generate runs/text/best.h5 --length 600 --temperature 0.8 --seed 1 >sample.txt

# what is missing
cp -r runs/other runs/bare
rm -r runs/bare/checkpoints runs/bare/*.h5 runs/bare/starts.jsonl
"$LOCKSTEP" report runs/bare -o bare.html
mkdir runs/configured
cp runs/other/config.yaml runs/configured
"$LOCKSTEP" report runs/configured -o configured.html
"$LOCKSTEP" report runs/other -o quick.html --seconds 0
mv label.h5 away.h5
"$LOCKSTEP" report runs/other -o moved.html
"$LOCKSTEP" prepare label label.txt --column word=0,tag=-1 --valid-fraction 0.2 -o label.h5 >/dev/null
"$LOCKSTEP" report runs/other -o changed.html
mv away.h5 label.h5

# damaged lines are counted: half of one, no JSON, no kind, one that goes back is no point; a metric that is markup
cp -r runs/bare runs/damaged
printf '%s\n' '{"kind":"train"' 'nonsense' '{"step":3}' '' '{"kind":"valid","step":900,"epoch":9,"loss":0.1,"<b>&":0.5}' >>runs/damaged/metrics.jsonl
printf '{"kind":"valid","st' >>runs/damaged/metrics.jsonl
"$LOCKSTEP" report runs/damaged -o damaged.html
# very long runs
mkdir runs/long
awk 'BEGIN { srand(1); for (i = 1; i <= 60000; i++)
  printf "{\"kind\":\"train\",\"step\":%d,\"epoch\":%f,\"loss\":%f,\"rate\":0.1,\"norm\":%f,\"tokens\":900,\"seconds\":1,\"tokens_per_second\":%f}\n",
    100 * i, i / 10, 50 * exp(-i / 9000) + rand(), 1 + rand(), 900 + 90 * rand() }' >runs/long/metrics.jsonl
"$LOCKSTEP" report runs/long -o long.html

# mistakes of the user
expect 64 "expected the folder of a run; 'lockstep report --help'" "$LOCKSTEP" report -o x.html
expect 64 'expected -o FILE' "$LOCKSTEP" report runs/other
expect 64 "label.h5' is a file: expected the folder of a run" "$LOCKSTEP" report label.h5 -o x.html
expect 65 "'runs' is not the folder of a run: it has no metrics.jsonl" "$LOCKSTEP" report runs -o x.html
expect 74 "cannot read 'runs/none'" "$LOCKSTEP" report runs/other runs/none -o x.html
expect 64 'it exists and is no report' "$LOCKSTEP" report runs/other -o label.h5
expect 64 'it is a folder' "$LOCKSTEP" report runs/other -o runs
expect 74 'none/x.html' "$LOCKSTEP" report runs/other -o none/x.html
mapfile -t many < <(yes runs/other | head -n 17)
expect 64 'a page holds at most 16' "$LOCKSTEP" report "${many[@]}" -o x.html
[ ! -e x.html ]
"$LOCKSTEP" verify label.h5 >/dev/null

"$LOCKSTEP" predict runs/pairs/best.h5 --beam 1 <<<"$(cut -f1 pairs.tsv)" >predicted.txt
python3 - <<'PYTHON'
import json, os, re
import xml.etree.ElementTree as tree

H = '{http://www.w3.org/1999/xhtml}'
tag = lambda e: e.tag.replace(H, '')
text = lambda e: ''.join(e.itertext())

def page(name, most=1000000):
    size = os.path.getsize(name)
    assert size < most, (name, size)
    root = tree.parse(name).getroot()
    for e in root.iter():
        assert tag(e) not in ('script', 'link', 'iframe', 'img', 'object', 'image', 'use'), (name, e.tag)
        for key in e.attrib:
            assert not key.startswith('on') and key not in ('src', 'href', 'style'), (name, key)
    raw = open(name, encoding='utf-8').read()
    assert 'url(' not in raw and '@import' not in raw and raw.count('http') == 1, name  # the name space
    for f in of_class(root, 'plot'):
        picture = f.find('.//' + H + 'svg')
        assert picture.find(H + 'title').text and picture.find(H + 'desc').text, name
        assert f.find(H + 'details').find('.//' + H + 'table') is not None, name
    return root

def of_class(root, name):
    return [e for e in root.iter() if name in e.get('class', '').split()]

def sections(root):
    return {text(s[0]): s for s in root.iter(H + 'section') if len(s) and tag(s[0]) in ('h2', 'h3')}

def lines(run, kind):
    with open(run + '/metrics.jsonl') as f:
        return [l for l in map(json.loads, f) if l['kind'] == kind]

def rows(table):
    return [[text(c) for c in r] for r in table.iter(H + 'tr')]

def missing(root):
    return [text(e) for e in of_class(root, 'missing')]

# a tagger: best, resume, curves, confusion
name = '<script>x("&amp;")'
root = page('tags.html')
part = sections(root)
assert text(root.find('.//' + H + 'h1')) == name and missing(root) == [], missing(root)
valid = lines('runs/' + name, 'valid')
best = max(valid, key=lambda l: (l['accuracy'], -l['step']))
assert len(valid) > 10
notes = [text(e) for e in of_class(root, 'note')]
assert ('best %.3f, step %d' if best['accuracy'] >= 1 else 'best %.4f, step %d') % (best['accuracy'], best['step']) in notes, (notes, best)
assert notes.count('resumed') == 1, notes
starts = [json.loads(l) for l in open('runs/' + name + '/starts.jsonl')]
resumed = [s['step'] for s in starts if s['kind'] == 'start'][1]
at = [float(e.get('x1')[:-1]) for e in of_class(part['Loss'], 'moment')]
last = max(l['step'] for l in valid)
assert len(at) == 1 and abs(at[0] - 100 * resumed / last) < 0.01, (at, resumed, last)
numbers = rows(of_class(part['Loss'], 'numbers')[1])
assert 'validation' in numbers[0][0] or numbers[0] == ['step', 'value'], numbers[0]
told = {int(a.replace(',', '')): float(b) for a, b in numbers[1:]}
for l in valid:
    if l['step'] in told: assert abs(told[l['step']] - l['loss']) < 1e-4 * l['loss'], l
assert best['step'] <= last and len(told) >= 10
confusion = json.load(open('confusion.json'))['confusion']
matrix = of_class(part['Classes'], 'matrix')[0]
table = rows(matrix)
labels = table[0][1:]
assert sorted(labels) == sorted(confusion['labels']) and '<i>&"\'odd' in labels, labels
place = {l: i for i, l in enumerate(confusion['labels'])}
total = 0
assert confusion['matrix'] != [list(column) for column in zip(*confusion['matrix'])]
for row in table[1:]:
    for label, cell in zip(labels, row[1:]):
        n = 0 if cell == '·' else int(cell.replace(',', ''))
        assert n == confusion['matrix'][place[row[0]]][place[label]], (row[0], label, n)
        total += n
assert total > 100
assert 'forward, loss and backward' in text(part['Time of a step'])
assert starts[0]['commit'] in text(part['Starts, hosts and memory']) and list(starts[0]['hosts'])[0] in text(part['Starts, hosts and memory'])
changed = {r[0]: r[1] for r in rows(part['Configuration'].find('.//' + H + 'table'))[1:]}
assert changed['train.rate'] == '0.01' and changed['model.hidden'] == '12' and 'seed' not in changed, changed
every = rows(part['Configuration'].find(H + 'details').find('.//' + H + 'table'))
assert len(every) > 80 and ['seed', '1', '1'] in every, every[:5]

# a translator: what predict says, and maps of its attention
root = page('pairs.html')
examples = of_class(root, 'example')
assert len(examples) == 20, len(examples)
pairs = [l.rstrip('\n').split('\t') for l in open('pairs.tsv')]
predicted = dict(zip((p[0] for p in pairs), open('predicted.txt').read().split('\n')))
references = dict(pairs)
right = 0
for e in examples:
    source, target = text(of_class(e, 'source')[0]), text(of_class(e, 'target')[0])
    assert predicted[source] == target, (source, target, predicted[source])
    assert bool(of_class(e, 'right')) == (references[source] == target), source
    assert len(of_class(e, 'map')) == 1 and len(of_class(e, 'map')[0].findall(H + 'path')) > 0
    written = [text(t) for t in of_class(e, 'map')[0].iter(H + 'text')]
    assert written == source.split() + ['end'] + target.split() + ['end'], (written, source, target)
assert 'Exact match' in text(root) or 'exact match' in text(root)

# a language model: what generate says
root = page('text.html')
assert text(of_class(root, 'sample')[0]).rstrip('\n') == open('sample.txt').read().rstrip('\n')

# several runs on the same axes, and what differs
root = page('three.html')
part = sections(root)
assert len({e.get('class') for e in of_class(part['Loss'], 'strong')}) == 3
differs = rows(part['What differs'].find('.//' + H + 'table'))
keys = [r[0] for r in differs[1:]]
assert 'train.rate' in keys and 'model.hidden' in keys and 'task' in keys and 'seed' not in keys and 'run.dir' not in keys
assert differs[[r[0] for r in differs].index('train.rate')][1:3] == ['0.01', '0.02']
assert differs[0][1] == name and len([e for e in of_class(root, 'run')]) == 3

# what is missing
assert any('there is neither best.h5 nor last.h5' in m for m in missing(page('bare.html')))
assert any('earlier version' in m for m in missing(page('bare.html')))
assert any('no line yet' in m for m in missing(page('configured.html')))
assert len(of_class(page('quick.html'), 'matrix')) == 0
assert any('label.h5' in m for m in missing(page('moved.html'))), missing(page('moved.html'))
assert any('another corpus' in m for m in missing(page('changed.html')))
damaged = page('damaged.html')
assert '5 lines of metrics.jsonl and starts.jsonl could not be read' in text(damaged), text(damaged)[-300:]
assert '<b>&' in text(damaged)

# 60,000 lines: a small page, and a curve that still has its extremes
root = page('long.html', 250000)
loss = [l['loss'] for l in lines('runs/long', 'train')]
part = sections(root)
assert 'logarithmic' in text(part['Loss'])
pale = re.findall(r'[\d.]+', of_class(part['Loss'], 'pale')[0].get('d'))
assert 500 < len(pale) / 2 < 2000, len(pale)
height = [float(y) for y in pale[1::2]]
assert height[0] < 40 and max(height) > 240, (height[0], max(height))
PYTHON
