#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# ./install.sh               installs lvt-infer, the plan and, where there is systemd, a service
# ./install.sh --uninstall   removes them
#
# PREFIX (/usr/local) is where they go, DESTDIR is put before every path. A second run replaces what
# the first installed. The options in /etc/default/lvt are kept once they have been changed.
set -eu
cd "$(dirname "$0")"
PREFIX=${PREFIX:-/usr/local} DESTDIR=${DESTDIR:-}
options=$DESTDIR/etc/default/lvt

fail() {
    echo "install.sh: $1" >&2
    exit 1
}

# The text of the service holds it.
case $PREFIX in
/*) ;;
*) fail "PREFIX: expected an absolute path, found '$PREFIX'" ;;
esac
case $PREFIX in
*[!a-zA-Z0-9/._-]*) fail "PREFIX: expected letters, digits and /._- only, found '$PREFIX'" ;;
esac

has_systemd() { [ -d "$DESTDIR/usr/lib/systemd" ] || [ -d "$DESTDIR/lib/systemd" ]; }
runs_systemd() { [ -z "$DESTDIR" ] && [ -d /run/systemd/system ]; }

# What is installed: mode, file here, place there.
files() {
    echo "755 lvt-infer $PREFIX/bin/lvt-infer"
    echo "644 model.lvt $PREFIX/share/lvt/model.lvt"
    echo "644 labels.txt $PREFIX/share/lvt/labels.txt"
    for file in README.txt licences/*; do
        echo "644 $file $PREFIX/share/doc/lvt/${file#licences/}"
    done
    if has_systemd; then echo "644 lvt.service /etc/systemd/system/lvt.service"; fi
}

# put MODE FILE TARGET: whoever runs or reads TARGET meanwhile finds all of the old file or of the new.
put() {
    mkdir -p "${3%/*}"
    if
        case $2 in
        lvt.service) sed "s|@PREFIX@|$PREFIX|g" "$2" ;;
        *) cat "$2" ;;
        esac >"$3.part" && chmod "$1" "$3.part" && mv -f "$3.part" "$3"
    then
        return
    fi
    rm -f "$3.part"
    fail "cannot write $3"
}

case $#${1:-} in
0) ;;
1--uninstall)
    if runs_systemd && [ -e /etc/systemd/system/lvt.service ]; then systemctl disable --now lvt; fi
    files | while read -r mode file target; do rm -f "$DESTDIR$target"; done
    rmdir "$DESTDIR$PREFIX/share/lvt" "$DESTDIR$PREFIX/share/doc/lvt" 2>/dev/null || true
    if runs_systemd; then systemctl daemon-reload; fi
    if cmp -s lvt.default "$options"; then rm -f "$options"; fi
    if [ -e "$options" ]; then echo "kept: $options"; fi
    echo 'removed'
    exit 0
    ;;
*)
    echo 'usage: ./install.sh [--uninstall]' >&2
    exit 64
    ;;
esac

machine=$(uname -m)
case $machine in
aarch64) ;;
arm*) fail "this is a 32-bit system ($machine); lvt-infer needs a 64-bit one (aarch64)" ;;
*) fail "lvt-infer is for 64-bit Arm (aarch64), this machine is $machine" ;;
esac
./lvt-infer model.lvt --verify || fail 'lvt-infer does not give the right results here; nothing was installed'

files | while read -r mode file target; do put "$mode" "$file" "$DESTDIR$target"; done
echo "installed: $DESTDIR$PREFIX/bin/lvt-infer, $DESTDIR$PREFIX/share/lvt/model.lvt"
if ! has_systemd; then
    echo 'no systemd here, so no service was installed'
    exit 0
fi
[ -e "$options" ] || put 644 lvt.default "$options"
if runs_systemd; then
    systemctl daemon-reload
    systemctl try-restart lvt
fi
echo "the service's options: $options; it starts with: systemctl enable --now lvt"
