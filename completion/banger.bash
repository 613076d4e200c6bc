# bash completion for banger; "banger __complete" knows the answers.

# bash cuts words at "=" and ":"; they are put together again, and what stands
# before the last such cut is left away from the answers.
_banger()
{
	local word glue='' open='' line i
	local -a words=()

	for ((i = 1; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $word == [=:] && ${#words[@]} -gt 0 ]]; then
			words[-1]+=$word
			glue=${words[-1]} open=yes
		elif [[ $open ]]; then
			words[-1]+=$word open=
		else
			words+=("$word")
			glue=
		fi
	done
	COMPREPLY=()
	while IFS= read -r line; do
		line=${line%%$'\t'*}
		case $line in
		:path | :dir)
			compopt -o filenames
			[[ $line == :dir ]] && open=-d || open=-f
			mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(
				compgen "$open" -- "${words[-1]#"$glue"}")
			;;
		*[=:])
			compopt -o nospace
			COMPREPLY+=("${line#"$glue"}")
			;;
		*) COMPREPLY+=("${line#"$glue"}") ;;
		esac
	done < <("${1/#\~/$HOME}" __complete "${words[@]}" 2>/dev/null)
}

complete -F _banger banger
