#!/usr/bin/env bash
# Installs bssh-server as a service on port 2222, beside whatever listens on port 22, and never starts it by itself.
#
#   scripts/install.sh [--prefix DIR]              below DIR (default /usr), as root
#   scripts/install.sh --destdir DIR [--prefix …]  the files only, below DIR, for packagers
#   scripts/install.sh --uninstall [--purge]       all but /etc/bssh; with --purge also that, the state, the accounts;
#                                                  never the journal in /var/log/bssh
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source-path=SCRIPTDIR source=common.sh
. scripts/common.sh

prefix=/usr
destdir=
action=install
purge=
while (($#)); do
  case $1 in
    --prefix | --destdir)
      [[ ${2:-} == /* ]] || die "$1 takes a path that begins with /"
      declare "${1#--}=${2%/}"
      shift 2
      ;;
    --uninstall)
      action=uninstall
      shift
      ;;
    --purge)
      purge=yes
      shift
      ;;
    -h | --help)
      sed -n '2,7s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *) die "unknown option $1; known: --prefix DIR, --destdir DIR, --uninstall, --purge" ;;
  esac
done
[[ $action == uninstall || -z $purge ]] || die "--purge goes with --uninstall"
[[ -n $destdir ]] || ((EUID == 0)) || die "as root, please (or --destdir DIR for the files only)"

# systemd looks into /usr and /etc, not into every prefix.
if [[ $prefix == /usr ]]; then system=/usr/lib; else system=/etc; fi
unit=$destdir$system/systemd/system/bssh-server.service
sysusers=$destdir$system/sysusers.d/bssh.conf
tmpfiles=$destdir$system/tmpfiles.d/bssh.conf
helpers=$destdir$prefix/lib/bssh
server=$destdir$prefix/sbin/bssh-server
manual=$destdir$prefix/share/man
examples=$destdir$prefix/share/doc/bssh-server

# True when this machine's systemd is the one to tell.
systemd_runs() { [[ -z $destdir && -d /run/systemd/system ]]; }

# Builds what is missing or older than its source; below sudo as the one who called it, so that .build stays theirs.
build_if_needed() {
  local executable stale=
  for executable in "${executables[@]}"; do [[ -x .build/release/$executable ]] || stale=yes; done
  if [[ -z $stale && -z $(find Sources Package.swift -newer .build/release/bssh-server -print -quit) ]]; then return; fi
  need_packages "${build_packages[@]}"
  say "Building"
  if ((EUID == 0)) && [[ -n ${SUDO_USER:-} && $SUDO_USER != root ]]; then
    need_swift
    runuser -u "$SUDO_USER" -- env PATH="$PATH" scripts/try.sh --build-only
  else
    build_release
  fi
}

make_accounts() {
  if command -v systemd-sysusers >/dev/null; then systemd-sysusers "$sysusers"; else make_service_accounts; fi
}

make_configuration() {
  install -d -m 0755 /etc/bssh
  if [[ ! -e /etc/bssh/server.yaml && ! -e /etc/bssh/ssh_host_ed25519_key ]]; then
    "$server" gen-host-key -t ed25519 -o /etc/bssh/ssh_host_ed25519_key
  fi
  if [[ ! -e /etc/bssh/server.yaml ]]; then
    (
      umask 077
      say "# bssh-server.yaml(5); every key with its default: bssh-server gen-config"
      say "server:"
      say "  port: 2222"
      say "  host_keys: [/etc/bssh/ssh_host_ed25519_key]"
      say "auth:"
      say "  methods: [publickey]"
    ) >/etc/bssh/server.yaml
  fi
  "$server" check-config -c /etc/bssh/server.yaml >/dev/null || die "/etc/bssh/server.yaml does not load, see above"
}

install_files() {
  local executable page
  install -D -m 0755 .build/release/bssh-server "$server"
  for executable in "${executables[@]:1}"; do
    install -D -m 0755 ".build/release/$executable" "$helpers/$executable"
  done
  install -D -m 0644 systemd/sysusers.conf "$sysusers"
  install -D -m 0644 systemd/tmpfiles.conf "$tmpfiles"
  install -d "${unit%/*}"
  sed "s|/usr/sbin/bssh-server|$prefix/sbin/bssh-server|" systemd/bssh-server.service >"$unit"
  chmod 0644 "$unit"
  for page in man/*.[1-9]; do install -D -m 0644 "$page" "$manual/man${page##*.}/${page##*/}"; done
  install -D -m 0644 etc/server.yaml "$examples/server.yaml"
  install -m 0644 LICENSE README.md CHANGELOG.md "$examples/"
}

install_all() {
  build_if_needed
  install_files
  if [[ -n $destdir ]]; then
    say "The files are below $destdir. Accounts, host key and /etc/bssh are made where they get installed."
    return
  fi
  make_accounts
  # Without systemd-tmpfiles the daemon makes its directory at start.
  if command -v systemd-tmpfiles >/dev/null; then systemd-tmpfiles --create "$tmpfiles"; fi
  make_configuration
  if systemd_runs; then
    systemctl daemon-reload
    if systemctl --quiet is-active bssh-server; then
      say "Installed. The old one still runs; logins live through: systemctl restart bssh-server"
    else
      say "Installed, on port 2222. To start it now and with the machine: systemctl enable --now bssh-server"
    fi
  else
    say "Installed, for port 2222. To start it: $prefix/sbin/bssh-server run -c /etc/bssh/server.yaml"
  fi
}

uninstall_all() {
  local executable page account folder
  if systemd_runs && systemctl --quiet is-enabled bssh-server 2>/dev/null; then systemctl disable bssh-server; fi
  if systemd_runs && systemctl --quiet is-active bssh-server; then
    say "Stopping the service; who is logged in stays so until they leave"
    systemctl stop bssh-server
  fi
  rm -f "$server" "$unit" "$sysusers" "$tmpfiles"
  for executable in "${executables[@]:1}"; do rm -f "$helpers/$executable"; done
  for page in man/*.[1-9]; do rm -f "$manual/man${page##*.}/${page##*/}"; done
  rm -f "$examples"/{server.yaml,LICENSE,README.md,CHANGELOG.md}
  for folder in "$helpers" "$examples"; do
    if [[ -d $folder ]]; then rmdir --ignore-fail-on-non-empty "$folder"; fi
  done
  if [[ -n $destdir ]]; then return; fi
  if systemd_runs; then systemctl daemon-reload; fi
  if [[ -z $purge ]]; then
    say "Removed, but for /etc/bssh with the host key and the configuration, /var/lib/bssh, the accounts (--purge), and /var/log/bssh with the journal."
    return
  fi
  rm -rf /etc/bssh /var/lib/bssh /run/bssh
  for account in bssh-transport bssh-authority bssh-audit; do
    if getent passwd "$account" >/dev/null; then userdel "$account"; fi
  done
  say "Removed, with /etc/bssh, /var/lib/bssh and the accounts; the journal in /var/log/bssh stays."
}

"${action}_all"
