# fish completion for banger; "banger __complete" knows the answers.

function __banger_complete
	set -l words (commandline -opc)
	set -l current (commandline -ct)
	for line in (command $words[1] __complete $words[2..-1] "$current" \
			2>/dev/null)
		switch $line
			case :path
				__fish_complete_path "$current"
			case :dir
				__fish_complete_directories "$current"
			case '*'
				echo $line
		end
	end
end

complete -c banger -f -a '(__banger_complete)'
