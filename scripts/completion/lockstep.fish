# Completion for fish, of the commands, options and settings of lockstep. What fits is printed by the program that is typed
# (lockstep complete), which knows its own tables.

function __lockstep_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program (string replace -r '^~' -- $HOME $words[1])
    for line in (command $program complete -- $words[2..-1] "$current" 2>/dev/null)
        switch $line
            case ':files*' ':folders'
                set -l before (string match -r '^[^=]*=' -- $current)
                set -l path (string replace -r '^[^=]*=' '' -- $current)
                set -l suffixes (string split -n ' ' -- (string replace -r '^:[a-z]*' '' -- $line))
                set -l found (__fish_complete_path "$path" | string replace -r '\t.*' '')
                set -l wanted
                for candidate in $found
                    string match -q -- '*/' $candidate
                    and set -a wanted $candidate
                    or for suffix in $suffixes
                        string match -q -- "*$suffix" $candidate
                        and set -a wanted $candidate
                    end
                end
                if test $line != ':folders'
                    and test -z "$suffixes" -o -z "$wanted"
                    set wanted $found
                end
                for candidate in $wanted
                    echo "$before$candidate"
                end
            case '*'
                echo $line
        end
    end
end

complete -c lockstep -f -a '(__lockstep_complete)'
