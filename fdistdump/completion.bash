
# How fdistdump is completed. What it knows of options and fields stands above; print_completion.c
# writes it when fdistdump is built.

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

_fdistdump_argument()
{
    case $option in
    --aggregation) _fdistdump_offer_list "$1" "$_fdistdump_keys" ;;
    --statistic) _fdistdump_offer_statistic "$1" ;;
    --order) _fdistdump_offer_order "$1" ;;
    --output-fields | --fields) _fdistdump_offer_list "$1" "$_fdistdump_fields" ;;
    --output-items) _fdistdump_offer_list "$1" "$_fdistdump_items" ;;
    --time-zone) _fdistdump_offer "$1" UTC system ;;
    --geo-database) _fdistdump_offer_files -f "$1" ;;
    --progress-bar-dest)
        local -a streams
        _fdistdump_offer "$1" stderr stdout
        streams=("${COMPREPLY[@]}")
        _fdistdump_offer_files -f "$1"
        COMPREPLY=("${streams[@]}" "${COMPREPLY[@]}")
        ;;
    *) _fdistdump_offer "$1" "${_fdistdump_values[$option]}" ;;
    esac
}

_fdistdump()
{
    _fdistdump_complete _fdistdump _fdistdump_argument _fdistdump_offer_files
}

complete -F _fdistdump fdistdump
