#!/bin/sh
# t/0801-snapshot-verbs.sh, unchanged, where the VMM is Firecracker.
. "${0%/*}/box.sh"

[ "$(bng-fc probe | cut -f 1-3)" = "ok	kvm	1.12.1" ] || exit 1
sh "$TOP/t/0801-snapshot-verbs.sh"
