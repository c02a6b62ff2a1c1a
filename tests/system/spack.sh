# The recipe for Spack: Python can read it, it names every library that the build looks for, and only variables of CMake
# that exist. (Spack itself is no package of Debian.)
# shellcheck shell=bash
command -v python3 >/dev/null || exit 77
python3 - "$LOCKSTEP_SOURCE" <<'PYTHON'
import pathlib, re, sys, types

source = pathlib.Path(sys.argv[1])
said = {name: [] for name in ("depends_on", "variant", "version", "license", "generator")}
module = types.ModuleType("spack.package")
for name in said:
    setattr(module, name, lambda *words, name=name, **more: said[name].append((words, more)))


class CMakePackage:
    def define(self, key, value):
        return f"-D{key}={value}"

    def define_from_variant(self, key, variant):
        assert variant in [words[0] for words, _ in said["variant"]], f"no variant {variant}"
        return f"-D{key}:BOOL=ON"


module.CMakePackage = CMakePackage
sys.modules.update({"spack": types.ModuleType("spack"), "spack.package": module})
recipe = {}
exec(compile((source / "scripts/packaging/package.py").read_text(), "package.py", "exec"), recipe)

project = re.search(r"^project\(lockstep VERSION (\S+)", (source / "CMakeLists.txt").read_text(), re.M)
assert said["version"][0][0] == (project[1],), "the version is not that of CMakeLists.txt"

package = recipe["Lockstep"]()
package.spec = "+sentencepiece"
cmake = "".join(p.read_text() for p in [source / "CMakeLists.txt", *(source / "scripts/cmake").glob("*.cmake")])
for argument in package.cmake_args():
    key = re.match(r"-D(\w+)", argument)[1]
    assert re.search(rf"(option|set)\({key}\b", cmake), f"CMake has no variable {key}"

named = {re.match(r"[a-z0-9-]+", words[0])[0] for words, _ in said["depends_on"]}
found = re.findall(r"^lockstep_find\(\w+ \S+ (\S+)\)", cmake, re.M)
assert len(found) >= 7, found
for library in found + ["libunistring", "sentencepiece", "mpi", "hdf5"]:
    name = {"libxxhash": "xxhash", "zlib": "zlib-api", "libprotobuf-c": "protobuf-c"}.get(library, library)
    assert name in named, f"no depends_on for {library}"
for _, more in said["depends_on"]:
    when = more.get("when", "")
    assert not when or when[1:] in [words[0] for words, _ in said["variant"]], f"no variant {when}"
PYTHON
