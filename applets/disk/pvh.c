/* pvh.c - can this ELF kernel be entered as VMMs do it?
 *
 * SPDX-License-Identifier: MIT
 *
 * https://xenbits.xen.org/docs/unstable/misc/pvh.html
 *
 * A note of Xen's says where a kernel is entered that has been loaded to its
 * place already, without the boot code of a bzImage. QEMU knows no other way.
 */
#include <elf.h>

#include "disk.h"

enum {
	PVH_ENTRY = 18,		/* XEN_ELFNOTE_PHYS32_ENTRY */
	SEGMENTS_MAX = 64,
};

static bool
is_entry(const uint8_t *note, const Elf64_Nhdr *h)
{
	return h->n_type == PVH_ENTRY && h->n_namesz == 4 &&
	    h->n_descsz >= 4 && !memcmp(note + sizeof(*h), "Xen", 4);
}

static bool
has_entry(const uint8_t *notes, uint64_t n)
{
	while (n >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr h;
		uint64_t all;

		memcpy(&h, notes, sizeof(h));
		all = sizeof(h) + ((h.n_namesz + UINT64_C(3)) & ~UINT64_C(3)) +
		    ((h.n_descsz + UINT64_C(3)) & ~UINT64_C(3));
		if (all > n)
			return false;
		if (is_entry(notes, &h))
			return true;
		notes += all;
		n -= all;
	}
	return false;
}

int
pvh_check(const uint8_t *elf, uint64_t n, const char **ret_why)
{
	Elf64_Ehdr e;

	*ret_why = "it is not an ELF file";
	if (n < sizeof(e) || memcmp(elf, ELFMAG, SELFMAG))
		return -EBADMSG;
	memcpy(&e, elf, sizeof(e));
	*ret_why = "it is not for x86-64";
	if (e.e_ident[EI_CLASS] != ELFCLASS64 ||
	    e.e_ident[EI_DATA] != ELFDATA2LSB || e.e_machine != EM_X86_64)
		return -EBADMSG;
	*ret_why = "its segments lie outside the file";
	if (e.e_phentsize != sizeof(Elf64_Phdr) || e.e_phnum > SEGMENTS_MAX ||
	    e.e_phoff > n || e.e_phnum * sizeof(Elf64_Phdr) > n - e.e_phoff)
		return -EBADMSG;
	for (unsigned i = 0; i < e.e_phnum; i++) {
		Elf64_Phdr p;

		memcpy(&p, elf + e.e_phoff + i * sizeof(p), sizeof(p));
		if (p.p_offset > n || p.p_filesz > n - p.p_offset)
			return -EBADMSG;
		if (p.p_type == PT_NOTE &&
		    has_entry(elf + p.p_offset, p.p_filesz))
			return 0;
	}
	*ret_why = "it has no PVH entry (CONFIG_PVH)";
	return -EBADMSG;
}
