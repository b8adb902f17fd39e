
# Completion of a command line by the tables above, which a program's own completion names by
# _fdistdump_complete. A function below sees these variables of it:
#   value    what is typed of the word being completed
#   option   full name of the option the word is an argument of
#   tables   beginning of the names of the variables above

# Sets `option` to the full name of a long option that may be shortened, or to nothing.
_fdistdump_find_option()
{
    local -n options=${tables}_options older=${tables}_older values=${tables}_values
    local word name found=

    option=
    if [[ " $older" == *" $1= "* || -n ${values[$1]} ]]; then
        option=$1
        return
    fi
    for word in $options; do
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
    local -n options=${tables}_options older=${tables}_older

    [[ -n $1 && "$options$older" == *" $1= "* ]]
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

# Offers what compgen makes of `$1`, -f (files) or -d (folders); the text `$2` before it stays.
_fdistdump_offer_files()
{
    [[ $value == : ]] && value=
    mapfile -t COMPREPLY < <(compgen "${1:--f}" -- "$value")
    COMPREPLY=("${COMPREPLY[@]/#/$2}")
    compopt -o filenames 2>/dev/null
}

# Sets `option` when the word to complete is the argument of the words before it: `-o WORD`,
# `--order WORD`, or `--order = WORD`, as Bash cuts words at "=".
_fdistdump_option_before()
{
    local -n letters=${tables}_letters
    local at=$((COMP_CWORD - 1)) word

    option=
    [[ $value == '=' ]] || { [[ ${COMP_WORDS[at]} == '=' ]] && ((at--)); }
    ((at > 0)) || return
    word=${COMP_WORDS[at]}
    if [[ $word == -? ]]; then
        option=${letters[$word]}
    elif [[ $word == --?* ]]; then
        _fdistdump_find_option "$word"
    fi
    _fdistdump_has_argument "$option" || option=
    [[ $value == '=' ]] && value=
}

# Completes the last word by the tables whose names begin with `$1`. `$2` completes the argument of
# `option`, and is given what is before it in the same word; `$3` completes a word that is no option.
_fdistdump_complete()
{
    local tables=$1 argument=$2 other=$3
    local -n letters=$1_letters options=$1_options
    local value=${COMP_WORDS[COMP_CWORD]} option i

    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} == -- ]]; then
            "$other"
            return
        fi
    done
    _fdistdump_option_before
    if [[ -n $option ]]; then
        "$argument" ''
    elif [[ $value == --*=* ]]; then # where Bash is told not to cut words at "="
        local word=$value
        value=${word#*=}
        _fdistdump_find_option "${word%%=*}"
        [[ -n $option ]] && "$argument" "${word%%=*}="
    elif [[ $value == -[!-]?* && -n ${letters[${value:0:2}]} ]]; then
        local letter=${value:0:2}
        option=${letters[$letter]}
        value=${value:2}
        _fdistdump_has_argument "$option" && "$argument" "$letter"
    elif [[ $value == -* ]]; then
        _fdistdump_offer '' "$options"
        [[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace 2>/dev/null
    else
        "$other"
    fi
}
