# The programs in README.md are those of this folder.
# shellcheck shell=bash
awk '/^```c$/ { block = 1; next } /^```$/ { block = 0 } block' "$LOCKSTEP_SOURCE/README.md" >printed.c
diff printed.c <(cat "$LOCKSTEP_SOURCE"/tests/install/{predict,train}.c)
