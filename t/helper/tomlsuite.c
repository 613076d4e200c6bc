/* tomlsuite.c - the cases of toml-test against our reader of TOML
 *
 * usage: tomlsuite DIR <LIST
 *
 * LIST names files below DIR, as the suite has them: valid/X.toml, which
 * has to mean what valid/X.json says, and invalid/X.toml, which has to be
 * refused. Prints a line for each case that is not as it should be, and in
 * the end how many there were of both kinds. Exit 1 when one was not.
 */
#include <cjson/cJSON.h>

#include "bng.h"
#include "toml.h"

static const struct applet suite = { "tomlsuite", "usage: tomlsuite DIR\n\n",
	NULL, PLAIN };
const struct applet *self = &suite;

static const char *const types[] = { "", "", "string", "integer", "float",
	"bool", "datetime", "datetime-local", "date-local", "time-local" };

/* A time without zeros at the end of its fraction. */
static char *
plain_time(const char *text)
{
	char *out = xstrdup(text), *dot = strchr(out, '.'), *end, *last;

	if (!dot)
		return out;
	end = last = dot + 1 + strspn(dot + 1, "0123456789");
	while (last[-1] == '0')
		last--;
	if (last == dot + 1)
		last--;
	memmove(last, end, strlen(end) + 1);
	return out;
}

static bool
same_time(const char *a, const char *b)
{
	autofree char *x = plain_time(a), *y = plain_time(b);

	return !strcmp(x, y);
}

static bool
same_value(const struct toml *v, const char *want)
{
	double real;

	switch (v->type) {
	case TOML_STRING:
		/* cJSON ends a text at its NUL. */
		return !strcmp(v->text, want);
	case TOML_INTEGER:
		return v->integer == strtoll(want, NULL, 10);
	case TOML_FLOAT:
		real = strtod(want, NULL);
		return v->real == real || (v->real != v->real && real != real);
	case TOML_BOOLEAN:
		return !strcmp(want, v->yes ? "true" : "false");
	default:
		return same_time(v->text, want);
	}
}

static bool
same(const struct toml *v, const cJSON *j)
{
	const cJSON *type, *text;
	int n = 0;

	if (v->type > TOML_ARRAY) {
		type = cJSON_GetObjectItemCaseSensitive(j, "type");
		text = cJSON_GetObjectItemCaseSensitive(j, "value");
		return cJSON_IsString(type) && cJSON_IsString(text) &&
		    !strcmp(type->valuestring, types[v->type]) &&
		    same_value(v, text->valuestring);
	}
	if (v->type == TOML_TABLE ? !cJSON_IsObject(j) : !cJSON_IsArray(j))
		return false;
	for (const struct toml *e = v->first; e; e = e->next, n++) {
		const cJSON *of = v->type == TOML_ARRAY ?
		    cJSON_GetArrayItem(j, n) :
		    cJSON_GetObjectItemCaseSensitive(j, e->key);

		if (!of || !same(e, of))
			return false;
	}
	return n == cJSON_GetArraySize(j);
}

static char *
slurp(const char *dir, const char *name, size_t *ret_len)
{
	autofree char *path = xasprintf("%s/%s", dir, name);
	char *text;
	int r = file_slurp(AT_FDCWD, path, 2 << 20, &text, ret_len);

	if (r) {
		errno = -r;
		die_sys("cannot read '%s'", path);
	}
	return text;
}

static bool
means(const struct toml_doc *doc, const char *dir, const char *name)
{
	autofree char *other = xasprintf("%.*s.json", (int)strlen(name) - 5,
	    name);
	size_t len;
	autofree char *text = slurp(dir, other, &len);
	cJSON *j = cJSON_Parse(text);
	bool ok = j && same(toml_root(doc), j);

	cJSON_Delete(j);
	return ok;
}

static bool
try(const char *dir, const char *name, bool valid)
{
	struct toml_error e = { 0 };
	struct toml_doc *doc = NULL;
	size_t len;
	autofree char *text = slurp(dir, name, &len);
	int r = toml_parse(text, len, &doc, &e);
	bool ok = valid ? !r && means(doc, dir, name) :
	    r == -EINVAL && e.line && e.line < 1000 && *e.why;

	if (getenv("V") && r) {
		msg_clean(e.why);
		printf("%s:%u: %s\n", name, e.line, e.why);
	}
	if (!ok)
		printf("%s: %s\n", name, r && valid ? e.why :
		    valid ? "means something else" : "was taken");
	toml_free(doc);
	return ok;
}

int
main(int argc, char *argv[])
{
	int valid = 0, invalid = 0, bad = 0;
	char line[512];

	if (argc != 2)
		return EXIT_USAGE;
	while (fgets(line, sizeof(line), stdin)) {
		size_t n = strcspn(line, "\n");
		bool good = !strncmp(line, "valid/", 6);

		line[n] = '\0';
		if (n < 5 || strcmp(line + n - 5, ".toml"))
			continue;
		*(good ? &valid : &invalid) += 1;
		bad += !try(argv[1], line, good);
	}
	printf("%d valid, %d invalid, %d wrong\n", valid, invalid, bad);
	return bad > 0;
}
