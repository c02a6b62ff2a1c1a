# Text as other programs write it: labels of every kind that h5py can make give the same corpus, and h5py reads the attributes
# of our files as text. Files that it changed are refused. Skipped without h5py.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
python=$(python_with h5py) || { echo "no h5py: scripts/setup --reference installs it" && exit 77; }
"$python" - <<'PYTHON'
import h5py
import numpy as np

words = ["one", "na\u00efve", "x y", "one", "\u65e5\u672c", "two"] * 30
rows = len(words)
frames = np.arange(rows * 6, dtype="f4").reshape(rows * 2, 3) / 7
plain = np.array([w.encode() for w in words])


def spaced(cset):
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(8)
    kind.set_strpad(h5py.h5t.STR_SPACEPAD)
    kind.set_cset(cset)
    return kind


def put(name, make):
    with h5py.File(name + ".frames.h5", "w", userblock_size=1024 if "block" in name else 0) as file:
        file["frames"], file["offsets"] = frames, np.arange(rows + 1) * 2
        make(file)


def low(kind, padded):
    def make(file):
        space = h5py.h5s.create_simple((rows,))
        data = h5py.h5d.create(file.id, b"labels", kind, space)
        data.write(h5py.h5s.ALL, h5py.h5s.ALL, padded, kind)

    return make


text = h5py.string_dtype
put("variable", lambda f: f.create_dataset("labels", data=words, dtype=text()))
put("ascii", lambda f: f.create_dataset("labels", data=np.array(list(plain), dtype=text("ascii"))))
put("block", lambda f: f.create_dataset("labels", data=words, dtype=text()))
put("gzip", lambda f: f.create_dataset("labels", data=words, dtype=text(), chunks=(7,), compression="gzip", shuffle=True))
put("fixed", lambda f: f.create_dataset("labels", data=plain))
put("utf8", lambda f: f.create_dataset("labels", data=plain.astype(text("utf-8", 12))))
put("exact", lambda f: f.create_dataset("labels", data=plain.astype(text("utf-8", 6)), chunks=(50,), compression="gzip"))
put("spaces", low(spaced(h5py.h5t.CSET_UTF8), np.array([w.encode().ljust(8) for w in words])))
put("column", lambda f: f.create_dataset("labels", data=np.array(words, object).reshape(-1, 1), dtype=text()))
PYTHON
for file in *.frames.h5; do
  "$LOCKSTEP" prepare frames "$file" --valid-fraction 0.1 -o corpus.h5 >said.txt 2>&1 || { cat said.txt && exit 1; }
  "$LOCKSTEP" inspect corpus.h5 | grep -v '^corpus.h5\|^digest' >"${file%.frames.h5}.txt"
done
for kind in ascii block gzip fixed utf8 exact spaces column; do cmp "$kind.txt" variable.txt; done
grep -q "^labels  *5: 'one'" variable.txt

# ours, read by h5py; changed by it
"$LOCKSTEP" train "$(config_of classify-frames.yaml)" run.dir=run data.corpus=corpus.h5 model.hidden=4 train.epochs=0 train.steps=1 \
  >run.log 2>&1 || { cat run.log && exit 1; }
cp "$(readlink -f run/last.h5)" model.h5
"$python" - <<'PYTHON'
import h5py

texts = 0
for name, format in (("corpus.h5", "lockstep-corpus"), ("model.h5", "lockstep-checkpoint")):
    with h5py.File(name) as file:
        assert file.attrs["format"] == format and file.attrs["created_by"].startswith("Lockstep ")

        def look(path, item):
            global texts
            for key, value in item.attrs.items():
                if key in ("CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "axes"):
                    continue
                assert not isinstance(value, bytes), (path, key, value)
                texts += isinstance(value, str)

        file.visititems(look)
assert texts > 20, texts
with h5py.File("model.h5", "r+") as file:
    file.attrs["format"] = "lockstep-checkpoint"
with h5py.File("corpus.h5") as file, h5py.File("copied.h5", "w") as copy:
    file.copy("vocab", copy)
    for key, value in file.attrs.items():
        copy.attrs[key] = value
PYTHON
expect 65 'model.h5 is damaged' "$LOCKSTEP" verify model.h5
expect 65 'copied.h5 is not a Lockstep file: an HDF5 file without a digest in front' "$LOCKSTEP" inspect copied.h5
