/* kvm.h - can hardware virtualisation really be used here? */
#ifndef BNG_KVM_H
#define BNG_KVM_H

#include <stdbool.h>

enum { KVM_REASON = 128 };

/*
 * /dev/kvm opens for writing, speaks API 12, has what a VMM needs, and the
 * processor has vmx or svm: there are hosts whose /dev/kvm does all of the
 * former and never boots a kernel. When not, reason says why, in a phrase.
 */
bool kvm_usable(char reason[KVM_REASON]);

/*
 * Can guests have a KVM of their own, as the parameter `nested` of the module
 * for this processor says? When not, *ret_module is that module's name.
 */
bool kvm_nests(const char **ret_module);

#endif
