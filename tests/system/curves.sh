# The history in a checkpoint as other programs find it: stock HDF5 tools, and h5py, xarray and silx where they are
# installed (scripts/setup --reference). Files of former versions, which have one table, still load.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_text
train 1 lm-char.yaml run data.corpus=text.h5 model.hidden=16 model.embedding=8 train.batch=8 train.unroll=8 train.epochs=0 \
  train.steps=230 eval.every=50 checkpoint.every=50 checkpoint.keep=9
last=run/last.h5
[ "$(h5ls $last/history/train | grep -c '^[a-z]* *Dataset {3}$')" -eq 7 ]
[ "$(h5ls $last/history/valid | grep -c '^[a-z]* *Dataset {5}$')" -eq 7 ]
h5dump -a /history/valid/loss/DIMENSION_LIST $last | grep -q '"/history/valid/step"'
h5dump -a /history/train/step/REFERENCE_LIST $last | grep -q '"/history/train/seconds"'
h5dump -a /history/train/step/CLASS $last | grep -q '(0): "DIMENSION_SCALE"'
h5dump -a /history/train/signal $last | grep -q '(0): "loss"'
h5dump -d /history/train/step $last | grep -q '(0): 100, 200, 230'
h5dump $last >whole.txt 2>errors.txt # all of it, references and heap included
if [ -s errors.txt ]; then cat errors.txt && exit 1; fi

# A file of a former version; the run goes on and its files are new.
mkdir -p former/checkpoints
cp "$LOCKSTEP_SOURCE/tests/former/step-0000000002.h5" former/checkpoints/
cp "$LOCKSTEP_SOURCE/tests/former/config.yaml" "$LOCKSTEP_SOURCE/tests/former/corpus.h5" .
h5ls former/checkpoints/step-0000000002.h5/history/train | grep -q 'Dataset {[0-9]*, 7}'
"$LOCKSTEP" train config.yaml run.dir=former train.steps=4 >former.log 2>&1
grep -q 'resuming from .*step 2' former.log
h5dump -d /history/train/step former/last.h5 | grep -q '(0): .*2, 4$'

python3 - run/checkpoints/step-*.h5 <<'PYTHON'
import importlib.util
import json
import sys


def there(*names):
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    print(names[0], "is not installed: left out" if missing else "reads the files")
    return not missing


last = sys.argv[-1]
with open("run/metrics.jsonl", encoding="utf-8") as lines:
    logged = [json.loads(line) for line in lines]
losses = {kind: [line["loss"] for line in logged if line["kind"] == kind] for kind in ("train", "valid")}


def same(found, kind):
    assert len(found) == len(losses[kind]) > 0
    assert all(abs(a - b) < 1e-8 * abs(b) for a, b in zip(found, losses[kind]))


if there("h5py"):
    import h5py

    with h5py.File(last, "r") as file:
        assert file.attrs["created_by"].startswith("Lockstep ")
        group = file[file.attrs["default"]]
        group = group[group.attrs["default"]]
        loss = group[group.attrs["signal"]]
        assert loss.name == "/history/train/loss" and loss.attrs["units"] == "nats a unit"
        (scale,) = loss.dims[0].values()
        assert scale == group[group.attrs["axes"][0]] and scale.name == "/history/train/step"
        same(list(loss), "train")
if there("xarray", "h5netcdf"):
    import xarray

    for file in sys.argv[1:]:  # the first has no training loss yet, perhaps
        for kind in ("train", "valid"):
            with xarray.open_dataset(file, engine="h5netcdf", group=f"history/{kind}") as data:
                assert dict(data.sizes).keys() == {"step"} and data.loss.dims == ("step",), data
                assert set(data) == {"epoch", "loss", "rate", "norm", "tokens", "seconds"}
                assert all(data[name].dtype == "float64" for name in data)
    with xarray.open_dataset(last, engine="h5netcdf", group="history/valid") as data:
        same(data.loss.values.tolist(), "valid")
        assert data.loss.sel(step=100).item() == data.loss.values[1]
if there("silx"):
    import silx.io
    import silx.io.nxdata

    with silx.io.open(last) as file:
        plot = silx.io.nxdata.get_default(file)
        assert plot.is_valid and plot.is_curve and plot.signal_name == "loss" and plot.axes_names == ["step"]
        same(plot.signal[()].tolist(), "train")
PYTHON
