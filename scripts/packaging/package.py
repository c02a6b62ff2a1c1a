# A recipe for Spack (https://spack.io). It builds the source at hand, as nothing of it is on a public server; with a
# repository of one's own:
#
#   spack repo create ~/lockstep-repo lockstep && spack repo add ~/lockstep-repo
#   mkdir -p ~/lockstep-repo/packages/lockstep && cp scripts/packaging/package.py ~/lockstep-repo/packages/lockstep
#   spack dev-build lockstep@0.1.0              in the folder of the source
#   spack dev-build lockstep@0.1.0 ^mpich       with another MPI
#
# From Spack 1.0 on (repositories of the new kind) this line is needed as well:
#   from spack_repo.builtin.build_systems.cmake import CMakePackage
from spack.package import *


class Lockstep(CMakePackage):
    """Lockstep trains recurrent neural networks on sequences: classifiers, taggers, language models and translators.
    The weights depend on configuration, seed and corpus, but neither on the number of processes nor on interruptions.
    """

    has_code = True
    license("MIT")

    version("0.1.0")

    variant("shared", default=True, description="Build the library as a shared one")
    variant("sentencepiece", default=True, description="Read corpora of subwords, of SentencePiece models")
    variant("tests", default=False, description="Build the test programs")

    depends_on("c", type="build")
    depends_on("cxx", type="build", when="+sentencepiece")
    depends_on("cmake@3.22:", type="build")
    depends_on("ninja", type="build")
    depends_on("pkgconfig", type="build")

    depends_on("mpi")
    depends_on("hdf5@1.10:")
    depends_on("openblas")
    depends_on("libfyaml")
    depends_on("jansson@2.13:")
    depends_on("libunistring")
    depends_on("libarchive@3:")
    depends_on("xxhash@0.8:")
    depends_on("nettle")
    depends_on("zlib-api")
    depends_on("protobuf-c")
    depends_on("sentencepiece", when="+sentencepiece")
    depends_on("cmocka", when="+tests", type=("build", "link"))

    generator("ninja")

    def cmake_args(self):
        return [
            self.define_from_variant("BUILD_SHARED_LIBS", "shared"),
            self.define_from_variant("BUILD_TESTING", "tests"),
            self.define("LOCKSTEP_SENTENCEPIECE", "ON" if "+sentencepiece" in self.spec else "OFF"),
        ]
