# Each public header compiles by itself, as C11 and as C++17, without a warning, and includes no header but its
# neighbours and those of the C standard.
# shellcheck shell=bash
for header in "$LOCKSTEP_SOURCE"/include/lockstep/*.h; do
  printf '#include <lockstep/%s>\n' "$(basename "$header")" >one.c
  cp one.c one.cc
  cc -std=c11 -pedantic -Wall -Wextra -Werror "-I$LOCKSTEP_SOURCE/include" -fsyntax-only one.c
  c++ -std=c++17 -pedantic -Wall -Wextra -Werror "-I$LOCKSTEP_SOURCE/include" -fsyntax-only one.cc
done
grep -h '#include' "$LOCKSTEP_SOURCE"/include/lockstep/*.h | sort -u |
  grep -vE '^#include ("lockstep/[a-z]*\.h"|<(stddef|stdint)\.h>)' && exit 1
exit 0
