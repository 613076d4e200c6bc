# errors.pl - what the front end may say when it fails, a line a text
#
# usage: perl errors.pl FILE ...
#
# For each call of die, die_usage and warn in a file of sh/: FILE:LINE, which
# of them, the text, and the hint, separated by tabs, as they are in the
# source, variables and all, what was wrapped put on one line.
use strict;
use warnings;

my $brace = qr/\$\{(?:[^{}]|\{[^{}]*\})*\}/s;
my $word = qr/(?:"(?:$brace|[^"\\]|\\.)*"|'[^']*'|\\[^\n]|[^\s"'\\;)&|])+/s;

for my $file (@ARGV) {
	local $/;
	open my $in, '<', $file or die "$file: $!\n";
	my $source = <$in>;
	$source =~ s/^[ \t]*#.*$//mg;
	while ($source =~ /(?<![\w-])(die|die_usage|warn)[ \t]+($word)
	    (?:[ \t]*(?:\\\n)?[ \t]*($word))?/gsx) {
		my ($what, $text, $hint) = ($1, $2, $3 // '');
		my $line = 1 + (substr($source, 0, $-[0]) =~ tr/\n//);
		s/\\\n//g, s/$brace/\$x/g, s/(?<!\\)"//g for $text, $hint;
		s/^'(.*)'$/$1/s for $text, $hint;
		s/\n/<newline>/g for $text, $hint;
		$hint = '' if $what ne 'die';
		$file =~ s|.*/||;
		print "$file:$line\t$what\t$text\t$hint\n";
	}
}
