# SPDX-License-Identifier: BSD-2-Clause
# Shared by tools/start and tools/test: to be sourced. Everything said goes to standard error.

say() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die() {
	say "$*"
	exit 1
}

need_root() {
	[ "$(id -u)" -eq 0 ] ||
		die "must run as root (it may install packages): sudo $0 ${*:-}"
}

# packages_of GROUP
packages_of() {
	local group package

	while read -r group package _; do
		[ "$group" != "$1" ] || printf '%s\n' "$package"
	done <"$ROOT/tools/packages"
}

# missing_packages GROUP...: those of tools/packages that are not installed.
missing_packages() {
	local group package wanted=()

	while read -r group package _; do
		[[ " $* " == *" $group "* ]] && wanted+=("$package")
	done <"$ROOT/tools/packages"
	comm -23 <(printf '%s\n' "${wanted[@]}" | LC_ALL=C sort) \
		<(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${wanted[@]}" 2>/dev/null |
			sed -n 's/^.i  *//p' | LC_ALL=C sort -u)
}

# run_quietly LOG COMMAND...: its output is shown only when it fails.
run_quietly() {
	local log=$1

	shift
	"$@" </dev/null >"$log" 2>&1 && return
	tail -n 60 "$log" >&2
	return 1
}

# ensure_packages GROUP...
ensure_packages() {
	local missing log

	command -v dpkg-query >/dev/null || die "needs Debian 12 (there is no dpkg-query here)"
	mapfile -t missing < <(missing_packages "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	say "installing ${missing[*]}"
	log=$(mktemp)
	export DEBIAN_FRONTEND=noninteractive
	run_quietly "$log" apt-get -q update ||
		say "apt-get update failed; trying with the package lists at hand"
	run_quietly "$log" apt-get -qy -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
		install --no-install-recommends "${missing[@]}" ||
		die "apt-get could not install: ${missing[*]}"
	rm -f "$log"
}
