/* kvm.c - whether KVM can be used; see kvm.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <ctype.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "bng.h"
#include "kvm.h"

static bool
has_word(const char *line, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = line; (p = strstr(p, word)); p += len)
		if (p > line && isspace((unsigned char)p[-1]) &&
		    (!p[len] || isspace((unsigned char)p[len])))
			return true;
	return false;
}

static bool
cpu_can(void)
{
	bool can = false;
	size_t size = 0;
	autofree char *line = NULL;
	autofclose FILE *f = fopen("/proc/cpuinfo", "re");

	while (f && getline(&line, &size, f) > 0) {
		if (strncmp(line, "flags", strlen("flags")))
			continue;
		can = has_word(line, "vmx") || has_word(line, "svm");
		break;	/* the processors of one machine are alike */
	}
	return can;
}

static const char *
open_error(int err)
{
	switch (err) {
	case EACCES:
	case EPERM:
		return "no permission for /dev/kvm (group kvm)";
	case ENOENT:
		return "there is no /dev/kvm";
	case ENODEV:
	case ENXIO:
		return "/dev/kvm has no driver behind it";
	default:
		return "/dev/kvm cannot be opened";
	}
}

static const char *
ask(int fd)
{
	static const int needed[] = { KVM_CAP_USER_MEMORY, KVM_CAP_IRQCHIP,
		KVM_CAP_SET_TSS_ADDR, KVM_CAP_EXT_CPUID, KVM_CAP_MP_STATE,
		KVM_CAP_IRQFD, KVM_CAP_IOEVENTFD };

	if (ioctl(fd, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return "/dev/kvm speaks another API version";
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (ioctl(fd, KVM_CHECK_EXTENSION, needed[i]) <= 0)
			return "/dev/kvm lacks what a VMM needs";
	return NULL;
}

bool
kvm_usable(char reason[KVM_REASON])
{
	const char *why = NULL;
	autoclose int fd = -1;

	if (!cpu_can())
		why = "cpu has neither vmx nor svm";
	if (!why) {
		fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
		why = fd < 0 ? open_error(errno) : ask(fd);
	}
	snprintf(reason, KVM_REASON, "%s", why ? why : "");
	return !why;
}

bool
kvm_nests(const char **ret_module)
{
	static const char *const modules[] = { "kvm_intel", "kvm_amd" };
	char path[64], is[8];

	*ret_module = "the module of KVM";
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		snprintf(path, sizeof(path), "/sys/module/%s/parameters/nested",
		    modules[i]);
		if (file_line(AT_FDCWD, path, is, sizeof(is)) < 0)
			continue;
		if (is[0] == 'Y' || is[0] == '1')
			return true;
		*ret_module = modules[i];
	}
	return false;
}
