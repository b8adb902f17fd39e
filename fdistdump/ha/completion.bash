
# How fdistdump-ha is completed: its own options, paths, then what fdistdump is given, as fdistdump
# completes it. Paths are those of other machines: nothing is offered for them but the names of the
# programs, which end them.

_fdistdump_ha_argument()
{
    case $option in
    --allowed-cluster-state) _fdistdump_offer_list "$1" online offline ;;
    --cluster-file) _fdistdump_offer_files -f "$1" ;;
    --mpiexec | --fdistdump)
        if [[ -z $value ]]; then
            _fdistdump_offer "$1" "${option#--}" # not every program there is
        else
            _fdistdump_offer_files -c "$1"
        fi
        ;;
    *) _fdistdump_offer "$1" "${_fdistdump_ha_values[$option]}" ;;
    esac
}

_fdistdump_ha_path()
{
    [[ -z $is_named ]] && _fdistdump_offer '' mpiexec fdistdump
}

_fdistdump_ha_nothing()
{
    :
}

# Sets `part` to whose arguments the last word is among, ha, mpiexec or fdistdump, and `from` to the
# place before the first of them; `is_named` when options name the programs, and no other word does.
_fdistdump_ha_find_part()
{
    local word before i

    part=ha from=0
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        before=${COMP_WORDS[i - 1]}
        if [[ $part == ha && $word == -- ]]; then
            part=fdistdump from=$i
            return
        elif [[ $part == ha && ($word == -* || $before == --* || $word == '=' || $before == '=') ]]; then
            [[ $word == --mpiexec || $word == --mpiexec=* || $word == --fd* ]] && is_named=yes
        elif [[ -z $is_named && $word == *fdistdump* ]]; then
            part=fdistdump from=$i
            return
        elif [[ -z $is_named && $word == *mpiexec* ]]; then
            part=mpiexec from=$i
        fi
    done
}

_fdistdump_ha()
{
    local part from is_named= value=${COMP_WORDS[COMP_CWORD]}

    COMPREPLY=()
    _fdistdump_ha_find_part
    case $part in
    ha) _fdistdump_complete _fdistdump_ha _fdistdump_ha_argument _fdistdump_ha_path ;;
    mpiexec) _fdistdump_offer '' fdistdump ;; # ends the arguments of mpiexec
    fdistdump)
        local -a words=(fdistdump "${COMP_WORDS[@]:from+1}")
        local -a COMP_WORDS=("${words[@]}")
        local COMP_CWORD=$((COMP_CWORD - from))
        _fdistdump_complete _fdistdump _fdistdump_argument _fdistdump_ha_nothing
        ;;
    esac
}

complete -F _fdistdump_ha fdistdump-ha
