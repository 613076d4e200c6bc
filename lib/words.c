/* words.c - adjectives and animals; see words.h
 *
 * SPDX-License-Identifier: MIT
 *
 * Short words, nothing that could hurt when it lands beside another.
 */
#include "bng.h"
#include "words.h"

static const char adjectives[][8] = {
	"agile", "airy", "alpine", "amber", "ample", "apt", "autumn", "avid",
	"azure", "balmy", "bold", "brave", "breezy", "bright", "brisk",
	"bronze", "calm", "candid", "careful", "cheery", "civil", "clear",
	"clever", "cloudy", "coastal", "cobalt", "copper", "coral", "cosmic",
	"cosy", "crisp", "curious", "daring", "deft", "dewy", "eager", "early",
	"easy", "elated", "epic", "even", "fabled", "fair", "famed", "fast",
	"fine", "fleet", "fluent", "fond", "frank", "free", "fresh", "gentle",
	"gifted", "glad", "golden", "good", "grand", "green", "happy", "hardy",
	"hazel", "hearty", "humble", "indigo", "ivory", "jade", "jolly",
	"jovial", "keen", "kind", "lively", "loyal", "lucid", "lucky", "lunar",
	"mellow", "merry", "mild", "misty", "modest", "neat", "nimble",
	"noble", "north", "patient", "placid", "plucky", "polar", "polite",
	"proud", "quick", "quiet", "rapid", "ready", "regal", "rosy", "royal",
	"rustic", "serene", "sharp", "silver", "sleek", "smart", "snowy",
	"solar", "solid", "spry", "steady", "summer", "sunny", "swift", "tidy",
	"tender", "true", "upbeat", "vivid", "warm", "witty", "zesty",
};

static const char animals[][8] = {
	"adder", "badger", "bat", "bear", "beaver", "bee", "beetle", "bison",
	"bobcat", "buck", "bunny", "camel", "caribou", "carp", "cat", "cobra",
	"cod", "coyote", "crab", "crane", "cricket", "crow", "cub", "deer",
	"dingo", "dolphin", "dove", "duck", "eagle", "egret", "eland", "elk",
	"emu", "falcon", "ferret", "finch", "fox", "frog", "gazelle", "gecko",
	"gibbon", "goose", "grouse", "gull", "hare", "hawk", "heron", "hornet",
	"horse", "husky", "ibex", "ibis", "iguana", "jackal", "jaguar", "jay",
	"koala", "kudu", "lark", "lemur", "leopard", "lion", "lizard", "llama",
	"lobster", "lynx", "macaw", "magpie", "marlin", "marmot", "marten",
	"mink", "mole", "moose", "moth", "mouse", "mule", "newt", "ocelot",
	"octopus", "okapi", "orca", "oriole", "osprey", "otter", "owl",
	"oyster", "panda", "panther", "parrot", "pelican", "penguin", "pigeon",
	"pike", "pony", "puffin", "puma", "quail", "rabbit", "raccoon",
	"raven", "robin", "salmon", "seal", "shrew", "shrimp", "snail",
	"sparrow", "squid", "stoat", "stork", "swan", "tapir", "tern", "tiger",
	"toad", "trout", "turtle", "walrus", "weasel", "whale", "wolf",
	"wombat", "wren", "yak", "zebra",
};

unsigned
words_count(void)
{
	return ARRAY_SIZE(adjectives) * ARRAY_SIZE(animals);
}

void
words_name(unsigned n, char *buf, size_t size)
{
	unsigned round = n / words_count(), one = n % words_count();
	int len = snprintf(buf, size, "%.8s-%.8s",
	    adjectives[one / ARRAY_SIZE(animals)],
	    animals[one % ARRAY_SIZE(animals)]);

	if (round && len > 0 && (size_t)len < size)
		snprintf(buf + len, size - (size_t)len, "-%u", round + 1);
}
