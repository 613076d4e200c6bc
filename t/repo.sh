# repo.sh - a Debian archive in a directory, so that no test needs a network
#
#	. "$TOP/t/repo.sh"		(after lib.sh)
#	repo_add NAME DIR [FIELD...]	a package of the files below DIR
#	repo_done		the archive's lists; BANGER_DEBIAN_MIRROR
#
# shellcheck shell=sh

repo=$T/repo
mkdir -p "$repo/pool" "$repo/dists/bookworm/main/binary-amd64"
_repo_list=$repo/dists/bookworm/main/binary-amd64/Packages

repo_add() {
	_repo_name=$1 _repo_dir=$2
	shift 2
	_repo_deb=pool/$_repo_name.deb
	mkdir -p "$_repo_dir/DEBIAN"
	{
		printf '%s\n' "Package: $_repo_name" 'Version: 1' \
			'Architecture: amd64' 'Maintainer: t <t@invalid>' "$@" \
			'Description: for a test'
	} >"$_repo_dir/DEBIAN/control"
	dpkg-deb --root-owner-group -Znone -b "$_repo_dir" \
		"$repo/$_repo_deb" >/dev/null || return
	{
		cat "$_repo_dir/DEBIAN/control"
		echo "Filename: $_repo_deb"
		echo "Size: $(stat -c %s "$repo/$_repo_deb")"
		_repo_sum=$(sha256sum <"$repo/$_repo_deb")
		echo "SHA256: ${_repo_sum%% *}"
		echo
	} >>"$_repo_list"
}

repo_done() {
	_repo_sum=$(sha256sum <"$_repo_list")
	cat >"$repo/dists/bookworm/Release" <<-EOF
	Suite: bookworm
	Codename: bookworm
	Date: $(date -Ru)
	Architectures: amd64
	Components: main
	SHA256:
	 ${_repo_sum%% *} $(stat -c %s "$_repo_list") main/binary-amd64/Packages
	EOF
	chmod -R a+rX "$repo"
	BANGER_DEBIAN_MIRROR="deb [trusted=yes] copy://$repo bookworm main"
	export BANGER_DEBIAN_MIRROR
}
