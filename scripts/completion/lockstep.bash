# Completion for bash, of the commands, options and settings of lockstep. Sourced; bash-completion loads the installed file
# by itself. What fits is printed by the program that is typed (lockstep complete), which knows its own tables.
# shellcheck shell=bash

# The words up to the cursor, as they were typed: bash cuts them at '=' and ':' too.
_lockstep_words() {
  local rest=${COMP_LINE:0:COMP_POINT} trimmed i
  words=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    trimmed=${rest#"${rest%%[![:blank:]]*}"}
    if [ "$i" -eq "$COMP_CWORD" ]; then COMP_WORDS[i]=$trimmed; fi
    if [ "$i" -gt 0 ] && [ "$trimmed" = "$rest" ]; then
      words[${#words[@]} - 1]+=${COMP_WORDS[i]}
    else
      words+=("${COMP_WORDS[i]}")
    fi
    rest=${trimmed#"${COMP_WORDS[i]}"}
  done
}

# _lockstep_paths TEXT SUFFIX...: folders, and files with a suffix; where there are none, all files
_lockstep_paths() {
  local text=$1 suffix found=()
  shift
  for suffix in "$@"; do mapfile -t -O ${#found[@]} found < <(compgen -f -X "!*$suffix" -- "$text"); done
  mapfile -t -O ${#found[@]} found < <(compgen -d -- "$text")
  if [ "${#found[@]}" -eq 0 ] || [ $# -eq 0 ]; then mapfile -t found < <(compgen -f -- "$text"); fi
  COMPREPLY+=("${found[@]}")
}

_lockstep() {
  local words current before='' line suffixes
  _lockstep_words
  current=${words[${#words[@]} - 1]}
  # what readline replaces begins behind the last '=' or ':'
  if [[ $COMP_WORDBREAKS == *=* ]]; then before=${current%"${current##*[=:]}"}; fi
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files*)
        read -r -a suffixes <<<"${line#:files}"
        compopt -o filenames
        _lockstep_paths "${current##*=}" "${suffixes[@]}"
        ;;
      :folders)
        compopt -o filenames
        mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -d -- "${current##*=}")
        ;;
      *)
        line=${line%%$'\t'*}
        case $line in *[=.]) compopt -o nospace ;; esac
        COMPREPLY+=("${line#"$before"}")
        ;;
    esac
  done < <("${words[0]/#\~/$HOME}" complete -- "${words[@]:1}" 2>/dev/null)
}
complete -F _lockstep lockstep
