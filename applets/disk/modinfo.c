/* modinfo.c - what a kernel module says of itself
 *
 * SPDX-License-Identifier: MIT
 *
 * A module is a relocatable ELF; its .modinfo section is a list of strings.
 * Every offset is checked against the file before it is used.
 */
#include <elf.h>
#include <endian.h>

#include "disk.h"

static bool
inside(uint64_t off, uint64_t len, uint64_t n)
{
	return off <= n && len <= n - off;
}

/* Section i's header, copied: a module need not be aligned in memory. */
static int
section(const uint8_t *elf, size_t n, const Elf64_Ehdr *h, unsigned i,
    Elf64_Shdr *ret_s)
{
	uint64_t off = le64toh(h->e_shoff), at = (uint64_t)i * sizeof(*ret_s);

	if (!inside(off, 0, n) || !inside(at, sizeof(*ret_s), n - off))
		return -EBADMSG;
	memcpy(ret_s, elf + off + at, sizeof(*ret_s));
	ret_s->sh_offset = le64toh(ret_s->sh_offset);
	ret_s->sh_size = le64toh(ret_s->sh_size);
	if (le32toh(ret_s->sh_type) != SHT_NOBITS &&
	    !inside(ret_s->sh_offset, ret_s->sh_size, n))
		return -EBADMSG;
	return 0;
}

static bool
is_named(const uint8_t *elf, const Elf64_Shdr *names, const Elf64_Shdr *s,
    const char *name)
{
	size_t len = strlen(name) + 1;

	return inside(le32toh(s->sh_name), len, names->sh_size) &&
	    !memcmp(elf + names->sh_offset + le32toh(s->sh_name), name, len);
}

int
modinfo_find(const uint8_t *elf, size_t n, const char **ret_text,
    size_t *ret_n)
{
	Elf64_Ehdr h;
	Elf64_Shdr names, s;

	if (n < sizeof(h))
		return -EBADMSG;
	memcpy(&h, elf, sizeof(h));
	if (memcmp(h.e_ident, ELFMAG, SELFMAG) ||
	    h.e_ident[EI_CLASS] != ELFCLASS64 ||
	    h.e_ident[EI_DATA] != ELFDATA2LSB ||
	    le16toh(h.e_shentsize) != sizeof(s) ||
	    section(elf, n, &h, le16toh(h.e_shstrndx), &names) ||
	    le32toh(names.sh_type) == SHT_NOBITS)
		return -EBADMSG;
	for (unsigned i = 0; i < le16toh(h.e_shnum); i++) {
		if (section(elf, n, &h, i, &s))
			return -EBADMSG;
		if (le32toh(s.sh_type) == SHT_NOBITS ||
		    !is_named(elf, &names, &s, ".modinfo"))
			continue;
		*ret_text = (const char *)elf + s.sh_offset;
		*ret_n = s.sh_size;
		return 0;
	}
	return -EBADMSG;
}

const char *
modinfo_next(const char *text, size_t n, const char *key, size_t *pos)
{
	size_t klen = strlen(key);

	while (*pos < n) {
		const char *s = text + *pos;
		size_t len = strnlen(s, n - *pos);

		if (len == n - *pos)
			return NULL;
		*pos += len + 1;
		if (len > klen && s[klen] == '=' && !memcmp(s, key, klen))
			return s + klen + 1;
	}
	return NULL;
}
