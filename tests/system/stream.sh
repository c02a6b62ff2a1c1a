# prepare reads its files block by block, and more than once. The same corpus, byte for byte, whatever the size of a
# block; memory that does not grow with the file; text that cannot be read twice is kept in a file without a name.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"

# Each kind, with what may lie across the end of a block: characters of two to four bytes, CRLF, marks, a line longer than
# a block, comments, no line end at the end.
mark=$'\xef\xbb\xbf'
{
  printf '%sd\xc3\xa9j\xc3\xa0 vu\r\n\r\n%sein \xe2\x82\xac und \xf0\x9f\x98\x80\r\r\n' "$mark" "$mark$mark"
  grep . "$LOCKSTEP_SOURCE/ARCHITECTURE.md" | head -60
  printf 'the end %s' "$mark"
} >text
awk '{ gsub(/\t/, " "); print substr("abc", 1 + NR % 3, 1) "\t" $0 }' text >classify
{
  printf '# newdoc\n# id 12\n#tag X\nb X\n\n'
  awk 'BEGIN { for (i = 0; i < 200; i++) { print "w" i % 17 " " (i % 5 ? (i % 3 ? "I-P" : "I-Q") : "O"); if (i % 7 == 0) print "" } }'
  printf 'last\xc3\xa9 O'
} >label
sed -e '1,6d' label >spans
awk 'BEGIN { for (i = 0; i < 60; i++) { n = 0; print "# sent_id = " i; print "# newdoc id = d" int(i / 4)
  for (k = 0; k < 1 + i % 6; k++) print ++n "\tw" k "\t_\tN" k % 2 "\t_\t_\t0\t_\t_\t_"; print "" } }' >conllu
awk 'BEGIN { for (i = 0; i < 90; i++) print "k\xc3\xa9" i " b\tx " i % 7 " y" }' >pairs
cut -f1 pairs >sources
cut -f2 pairs >targets
awk 'BEGIN { for (i = 0; i < 40; i++) { printf "%s\t", substr("abc", 1 + i % 3, 1); for (k = 0; k < 1 + i % 4; k++) printf "1.5,%d,-2e1 ", i; print "" } }' >frames

# same_corpus KIND FILE OPTION...
same_corpus() {
  "$LOCKSTEP" prepare "$@" -o whole.h5 >/dev/null 2>whole.err
  for bytes in 1 3 7 64 1000; do
    LOCKSTEP_DEBUG=blocks:bytes=$bytes "$LOCKSTEP" prepare "$@" -o blocks.h5 >/dev/null 2>blocks.err
    cmp whole.h5 blocks.h5
    cmp whole.err blocks.err
  done
}
same_corpus text text
same_corpus text text --unit char --valid-fraction 0.1 --shuffle 3
same_corpus text text --unit char --stream --valid-fraction 0.1 --test-fraction 0.13
same_corpus text text --stream --lower
same_corpus classify classify --empty skip --valid-fraction 0.2
same_corpus label label --feature casing
same_corpus label spans --tags bioes --test-fraction 0.2 --shuffle 1
same_corpus label conllu --conllu --valid-fraction 0.2 --group comment=newdoc
same_corpus pairs pairs --unit char --valid-fraction 0.2
same_corpus pairs sources --target targets --min-count 2
same_corpus frames frames --test-fraction 0.3
gzip -c text >text.gz
same_corpus text text.gz

# 40 MB of text take no more memory than 10 MB, in each way that it may come. (Rows that wait to be written, and the
# vocabulary, do not grow either: the text is the same over and over.)
for _ in {1..60}; do cat "$LOCKSTEP_SOURCE/ARCHITECTURE.md"; done >some
while [ "$(wc -c <some)" -lt 10000000 ]; do cat some some >twice && mv twice some; done
cat some some some some >many
gzip -1 -c some >some.gz
gzip -1 -c many >many.gz
# peak FILE [INPUT]: KiB that preparing it takes at most
peak() {
  python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$LOCKSTEP" prepare text "$1" --stream -o peak.h5
}
for how in file gzip pipe; do
  command -v python3 >/dev/null || break
  case $how in
    file) few=$(peak some) much=$(peak many) ;;
    gzip) few=$(peak some.gz) much=$(peak many.gz) ;;
    pipe) few=$(peak - < <(cat some)) much=$(peak - < <(cat many)) ;;
  esac
  [ "$much" -lt $((few + 4096)) ] || { echo "$how: $few and $much KiB" && exit 1; }
done

# Nothing is left of the text that was kept, in $TMPDIR or beside the corpus; a folder that cannot hold it is named.
mkdir temporary corpora
TMPDIR=$PWD/temporary "$LOCKSTEP" prepare text text.gz -o corpora/a.h5 >/dev/null
env -u TMPDIR "$LOCKSTEP" prepare text - -o corpora/b.h5 <text.gz >/dev/null
[ -z "$(ls -A temporary)" ]
[ "$(ls -A corpora)" = $'a.h5\nb.h5' ]
TMPDIR=$PWD/none expect 74 'cannot write a temporary file in .*/none/ .TMPDIR=FOLDER names another folder.: No such file or directory' "$LOCKSTEP" prepare text text.gz -o corpora/c.h5
TMPDIR=$PWD/none "$LOCKSTEP" prepare text text -o corpora/a.h5 >/dev/null # which is read where it is
(ulimit -f 2000 && trap '' XFSZ && TMPDIR=$PWD/temporary expect 74 \
  "many.gz: no room in .*/temporary/ for its text .*: TMPDIR=FOLDER names another folder" "$LOCKSTEP" prepare text many.gz -o corpora/c.h5)
[ "$(ls -A corpora)" = $'a.h5\nb.h5' ]
