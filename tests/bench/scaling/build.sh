#!/bin/bash
# build.sh [FOLDER]   compiles step_facts, step_messages, message_cost and replay into FOLDER (default build/scaling)
# It needs libsimgrid-dev, and a build of Lockstep in LOCKSTEP_BUILD (default build).
set -eu
cd "$(dirname "$0")/../../.."
folder=${1:-build/scaling} built=${LOCKSTEP_BUILD:-build} here=tests/bench/scaling
mkdir -p "$folder"

includes=()
for each in src/*/; do includes+=("-I$each"); done
# The libraries that the program is linked with, as the build has found them.
read -r -a libraries < <(ninja -C "$built" -t commands lockstep | sed -n '$s/.*liblockstep_internal\.a//;$s/ && :$//p')

for each in step_facts step_messages; do
  mpicc -std=gnu11 -O2 -Wall -Wextra "${includes[@]}" -c "$here/$each.c" -o "$folder/$each.o"
  c++ "$folder/$each.o" "$built/liblockstep_internal.a" "${libraries[@]}" -o "$folder/$each"
done
mpicc -std=gnu11 -O2 -Wall -Wextra "$here/message_cost.c" -o "$folder/message_cost"
c++ -std=c++17 -O2 -Wall -Wextra "$here/replay.cc" -lsimgrid -o "$folder/replay"
