# table.sh - how benchmarks are measured, judged and printed
#
#	. "$TOP/t/table.sh"		(after lib.sh)
#
# Both sides of a row are run in turns, so that what disturbs the machine
# disturbs both sides of a lap: what counts is the median of the laps' ratios,
# however fast the machine was at each. "a (b..c)" is the median, the least and
# the most. missed=1 once a goal was missed.
#
# shellcheck shell=sh disable=SC2016,SC2034,SC2086,SC2154
missed=0

# stats FIELD: "median least most" of that field of the lines on stdin.
stats() {
	awk -v f="$1" '{ print $f }' | sort -n | awk '
		{ v[NR] = $1 }
		END { m = int((NR + 1) / 2); print v[m], v[1], v[NR] }'
}

# spread "MEDIAN LEAST MOST" DIVISOR UNIT: for people.
spread() {
	set -- $1 "$2" "$3"
	awk -v a="$1" -v b="$2" -v c="$3" -v d="$4" -v u="$5" 'BEGIN {
		f = a / d < 10 ? "%.2f" : "%.0f"
		printf f " " u " (" f ".." f ")", a / d, b / d, c / d }'
}

# judge VALUE at-most|at-least GOAL: yes or no.
judge() {
	awk -v v="$1" -v how="$2" -v g="$3" 'BEGIN {
		good = how == "at-most" ? v <= g : v >= g
		print good ? "yes" : "NO" }'
}

line() {
	printf '%-26s %-26s %-26s %8s %9s  %s\n' "$@"
	[ "$6" != NO ] || missed=1
}

# beside WHAT FILE GOAL [INVERSE]: ours/theirs of "ours<TAB>theirs" lines must
# be at most GOAL; with INVERSE theirs/ours must be at least GOAL. Without a
# GOAL it is a number like another.
beside() {
	how=at-most sign='<= ' over='$1 / $2'
	[ -z "${4:-}" ] || how=at-least sign='>= ' over='$2 / $1'
	ratio=$(awk "{ print $over }" "$2" | stats 1)
	line "$1" "$(spread "$(stats 1 <"$2")" 1000 ms)" \
		"$(spread "$(stats 2 <"$2")" 1000 ms)" \
		"$(printf '%.3g x' "${ratio%% *}")" "${3:+$sign$3 x}" \
		"$([ -z "$3" ] || judge "${ratio%% *}" "$how" "$3")"
}

# above WHAT FILE GOAL: by how many ms ours/theirs differ at most, by median.
above() {
	more=$(awk '{ print $1 - $2 }' "$2" | stats 1)
	more=$(awk "BEGIN { printf \"%.1f\", ${more%% *} / 1000 }")
	line "$1" "$(spread "$(stats 1 <"$2")" 1000 ms)" \
		"$(spread "$(stats 2 <"$2")" 1000 ms)" \
		"+$more ms" "<= $3 ms" "$(judge "$more" at-most "$3")"
}

# alone WHAT VALUE GOAL UNIT: a number that has nothing beside it.
alone() {
	line "$1" "$2 $4" - - "<= $3 $4" "$(judge "$2" at-most "$3")"
}

quietly() { "$@" >>"$T/log" 2>&1; }

# rows NAME ...: each by its function row_NAME, in one table.
rows() {
	line what ours beside ratio goal met
	for row; do
		"row_$row" || {
			missed=1
			line "$row" 'cannot be measured' - - - NO
			tail -n 5 "$T/log" | sed 's/^/# /'
		}
	done
}
