
# How fdistdump is completed. What it knows of options and fields stands above; print_completion.c
# writes it when fdistdump is built.

# Sets `option` to the full name of a long option that may be shortened, or to nothing.
_fdistdump_find_option()
{
    local word name found=

    option=
    for word in $_fdistdump_options; do
        name=${word%=}
        if [[ $name == "$1" ]]; then
            option=$name
            return
        fi
        if [[ $name == --* && $name == "$1"* ]]; then
            [[ -n $found ]] && return
            found=$name
        fi
    done
    option=$found
}

# Whether an option has an argument.
_fdistdump_has_argument()
{
    [[ -n $1 ]] &&
        [[ " $_fdistdump_options " == *" $1= "* || -n ${_fdistdump_values[$1]} || $1 == --fields ]]
}

# Offers `$2 ...`, where the text before what is being completed, `$1`, stays.
_fdistdump_offer()
{
    local before=$1
    shift
    mapfile -t COMPREPLY < <(compgen -P "$before" -W "$*" -- "$value")
}

# Offers another member of a comma separated list; after it the list may go on.
_fdistdump_offer_list()
{
    local before=$1
    shift
    if [[ $value == *,* ]]; then
        before+=${value%,*},
        value=${value##*,}
    fi
    _fdistdump_offer "$before" "$@"
    compopt -o nospace 2>/dev/null
}

# `FIELD#asc` or `FIELD#desc`
_fdistdump_offer_order()
{
    local before=$1

    if [[ $value == *'#'* ]]; then
        before+=${value%%'#'*}'#'
        value=${value#*'#'}
        _fdistdump_offer "$before" asc desc
    else
        _fdistdump_offer "$before" "$_fdistdump_orders"
        compopt -o nospace 2>/dev/null
    fi
}

# `KEY,KEY...#ORDER`
_fdistdump_offer_statistic()
{
    local before=$1

    if [[ $value == *'#'* ]]; then
        before+=${value%%'#'*}'#'
        value=${value#*'#'}
        _fdistdump_offer_order "$before"
    else
        _fdistdump_offer_list "$before" "$_fdistdump_keys"
    fi
}

_fdistdump_offer_files()
{
    [[ $value == : ]] && value=
    mapfile -t COMPREPLY < <(compgen -f -- "$value")
    compopt -o filenames 2>/dev/null
}

# Completes the argument of `option`, of which `value` is typed; `$1` is before it in the same word.
_fdistdump_argument()
{
    case $option in
    --aggregation) _fdistdump_offer_list "$1" "$_fdistdump_keys" ;;
    --statistic) _fdistdump_offer_statistic "$1" ;;
    --order) _fdistdump_offer_order "$1" ;;
    --output-fields | --fields) _fdistdump_offer_list "$1" "$_fdistdump_fields" ;;
    --output-items) _fdistdump_offer_list "$1" "$_fdistdump_items" ;;
    --time-zone) _fdistdump_offer "$1" UTC system ;;
    --geo-database)
        _fdistdump_offer_files
        COMPREPLY=("${COMPREPLY[@]/#/$1}")
        ;;
    --progress-bar-dest)
        local -a streams
        _fdistdump_offer "$1" stderr stdout
        streams=("${COMPREPLY[@]}")
        _fdistdump_offer_files
        COMPREPLY=("${streams[@]}" "${COMPREPLY[@]/#/$1}")
        ;;
    *) _fdistdump_offer "$1" "${_fdistdump_values[$option]}" ;;
    esac
}

# Sets `option` when the word to complete is the argument of the words before it: `-o WORD`,
# `--order WORD`, or `--order = WORD`, as Bash cuts words at "=".
_fdistdump_option_before()
{
    local at=$((COMP_CWORD - 1)) word

    option=
    [[ $value == '=' ]] || { [[ ${COMP_WORDS[at]} == '=' ]] && ((at--)); }
    ((at > 0)) || return
    word=${COMP_WORDS[at]}
    if [[ $word == -? ]]; then
        option=${_fdistdump_letters[$word]}
    elif [[ $word == --?* ]]; then
        _fdistdump_find_option "$word"
        [[ $word == --fields || $word == --progress-bar ]] && option=$word
    fi
    _fdistdump_has_argument "$option" || option=
    [[ $value == '=' ]] && value=
}

_fdistdump()
{
    local value=${COMP_WORDS[COMP_CWORD]} option i

    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} == -- ]]; then
            _fdistdump_offer_files
            return
        fi
    done
    _fdistdump_option_before
    if [[ -n $option ]]; then
        _fdistdump_argument ''
    elif [[ $value == --*=* ]]; then # where Bash is told not to cut words at "="
        local word=$value
        value=${word#*=}
        _fdistdump_find_option "${word%%=*}"
        [[ -n $option ]] && _fdistdump_argument "${word%%=*}="
    elif [[ $value == -[!-]?* && -n ${_fdistdump_letters[${value:0:2}]} ]]; then
        local letter=${value:0:2}
        option=${_fdistdump_letters[$letter]}
        value=${value:2}
        _fdistdump_argument "$letter"
    elif [[ $value == -* ]]; then
        _fdistdump_offer '' "$_fdistdump_options"
        [[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace 2>/dev/null
    else
        _fdistdump_offer_files
    fi
}

complete -F _fdistdump fdistdump
