
# How flow-data-manager is completed: profile directories, then scan or delete, which ends them.

_flow_data_manager_argument()
{
    _fdistdump_offer "$1" "${_flow_data_manager_values[$option]}"
}

# The mode is offered when there is a directory; a directory called scan is written ./scan.
_flow_data_manager_word()
{
    local -a modes=()

    [[ -n $mode ]] && return
    if ((directories > 0)); then
        _fdistdump_offer '' scan delete
        modes=("${COMPREPLY[@]}")
    fi
    _fdistdump_offer_files -d
    COMPREPLY=("${modes[@]}" "${COMPREPLY[@]}")
}

# Finds what is on the line already: how many `directories`, and the `mode`.
_flow_data_manager_look()
{
    local i word before tables=_flow_data_manager value=x option
    local last=$COMP_CWORD

    for ((i = 1; i < last; i++)); do
        word=${COMP_WORDS[i]}
        [[ $word == -* || $word == '=' ]] && continue
        local COMP_CWORD=$i
        _fdistdump_option_before
        if [[ -n $option ]]; then
            continue # its argument
        elif [[ $word == scan || $word == delete ]]; then
            mode=$word
            return
        fi
        ((directories++))
    done
}

_flow_data_manager()
{
    local directories=0 mode=

    _flow_data_manager_look
    if [[ $mode == scan ]]; then
        local _flow_data_manager_options=$_flow_data_manager_scan_options
    fi
    _fdistdump_complete _flow_data_manager _flow_data_manager_argument _flow_data_manager_word
}

complete -F _flow_data_manager flow-data-manager
