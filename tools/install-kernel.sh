#!/bin/sh
# Builds the virtual machine's kernel where it is not built yet: User-Mode Linux from Debian's own source, with the
# options of tests/vm/kernel.config. All clones of a user share it: it is kept in the user's cache, by the version of
# the source and by those options, and .venv/vm-kernel leads to it. A build needs 1.2 GB of disk until it ends.
set -eu
package=linux-source-6.1
config=$PWD/tests/vm/kernel.config
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ovs-vpc/vm-kernel
options=$(sha256sum <"$config" | cut -c 1-12)

installed() { dpkg-query -W -f '${db:Status-Status} ${Version}' "$package" 2>/dev/null | sed -n 's/^installed //p'; }
candidate() { apt-cache policy "$package" 2>/dev/null | sed -n 's/^ *Candidate: *\([0-9].*\)/\1/p'; }
end_if_built() {  # end_if_built VERSION
    kernel=$cache/$1-$options/linux
    [ -x "$kernel" ] || return 0
    ln -sfn "$kernel" .venv/vm-kernel
    exit 0
}

version=$(installed)
end_if_built "${version:-$(candidate)}"
sh tools/install-system.sh kernel
version=$(installed)
[ -n "$version" ] || { echo "Debian's package $package is needed to build the virtual machine's kernel" >&2; exit 1; }

mkdir -p "$cache"
exec 9>"$cache/lock"
flock -n 9 || { echo "Waiting until another clone has built the virtual machine's kernel"; flock 9; }
end_if_built "$version"

rm -rf "$cache"/build.*  # of a build that was killed
work=$(mktemp -d "$cache/build.XXXXXX")
log=$work/log
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
renice -n 10 -p $$ >/dev/null

build() {
    # Without what no option can need: headers of graphics cards are a third of it.
    mkdir "$work/source" "$work/kernel"
    tar -xJf "/usr/src/$package.tar.xz" -C "$work/source" --strip-components=1 --exclude='*/drivers/gpu/*.[ch]' || return
    run_make allnoconfig || return
    # An option that needs another one that is off is left out without a word.
    if left_out=$(grep '^CONFIG_' "$config" | grep -vxFf "$work/source/.config"); then
        echo "options that need others, which are off:" $left_out
        return 1
    fi
    run_make -j"$(nproc)" linux && cp "$work/source/linux" "$work/kernel/linux"
}
run_make() { env -i PATH="$PATH" make -s -C "$work/source" ARCH=um KCONFIG_ALLCONFIG="$config" "$@"; }

echo "Building the virtual machine's kernel, Linux $version: some minutes, once for all clones"
if ! build >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "Could not build the virtual machine's kernel from /usr/src/$package.tar.xz with $config." >&2
    exit 1
fi
rm -rf "${kernel%/*}"
mv "$work/kernel" "${kernel%/*}"
end_if_built "$version"
