#compdef banger
# zsh completion for banger; "banger __complete" knows the answers.

_banger() {
	local line value
	local -a given values shown open

	given=("${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}")
	for line in "${(@f)$(${(Q)words[1]} __complete "${given[@]}" \
		2>/dev/null)}"; do
		value=${line%%$'\t'*}
		case $line in
		'') ;;
		:path) _files ;;
		:dir) _files -/ ;;
		*=|*:) open+=("$value") ;;
		*$'\t'*)
			values+=("$value")
			shown+=("${(r:16:)value} ${line#*$'\t'}")
			;;
		*) values+=("$value") shown+=("$value") ;;
		esac
	done
	(( ! $#open )) || compadd -Q -S '' -a open
	(( ! $#values )) || compadd -l -d shown -a values
}

if [[ ${funcstack[1]} == _banger ]]; then
	_banger "$@"
else
	compdef _banger banger
fi
