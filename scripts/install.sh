#!/usr/bin/env bash
# Installs bssh-server as a service on port 2222, next to whatever listens on port 22, and never starts it.
#
#   scripts/install.sh [--prefix DIR]              below DIR (default /usr), as root
#   scripts/install.sh --destdir DIR [--prefix …]  the files only, below DIR, for packagers
#   scripts/install.sh --uninstall [--purge]       all but /etc/bssh; with --purge also that, the state, the accounts,
#                                                  and everybody's login; never the journal in /var/log/bssh
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

# systemd reads units below /usr and /etc only, not below every prefix.
if [[ $prefix == /usr ]]; then system=/usr/lib; else system=/etc; fi
units=$system/systemd/system
unit=$destdir$units/bssh-server.service
socket=$destdir$units/bssh-server.socket
sysusers=$destdir$system/sysusers.d/bssh.conf
tmpfiles=$destdir$system/tmpfiles.d/bssh.conf
helpers=$destdir$prefix/lib/bssh
server=$destdir$prefix/sbin/bssh-server
manual=$destdir$prefix/share/man
examples=$destdir$prefix/share/doc/bssh-server

# True if this installation concerns the systemd of this machine.
systemd_runs() { [[ -z $destdir && -d /run/systemd/system ]]; }

# Builds what is missing or older than its source; under sudo, as the user who called it, so that .build stays theirs.
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
  if command -v systemd-sysusers >/dev/null; then systemd-sysusers "$PWD/systemd/sysusers.conf"; else make_service_accounts; fi
}

# An upgrade replaces nothing before the new program has accepted the existing configuration.
check_configuration() {
  if [[ -e /etc/bssh/server.yaml ]]; then
    .build/release/bssh-server check-config -q -c /etc/bssh/server.yaml ||
      die "/etc/bssh/server.yaml does not load with this version, see above; nothing was installed"
  fi
}

# Removes the units of an installation with another prefix: of two with the same name, systemd uses that in /etc, and
# would continue to start the old programs. Files of a package are left alone.
remove_other_units() {
  local other=/etc was_enabled='' old file name
  [[ $units != /etc/* ]] || other=/usr/lib
  old=$other/systemd/system/bssh-server.service
  if [[ ! -f $old || -L $old ]] || ! grep -q '^Documentation=man:bssh-server(8)' "$old"; then return 0; fi
  if dpkg-query -S "$old" >/dev/null 2>&1; then die "$old belongs to a package; remove that first, or use its prefix"; fi
  name=$(sed -n 's|^ExecStart=\(.*\)/sbin/bssh-server .*|\1|p' "$old")
  say "$old is of an installation below ${name:-another prefix}, and would hide this one: removed"
  if systemd_runs && systemctl --quiet is-enabled bssh-server.service 2>/dev/null; then was_enabled=service; fi
  if systemd_runs && systemctl --quiet is-enabled bssh-server.socket 2>/dev/null; then was_enabled=socket; fi
  for file in systemd/system/bssh-server.service systemd/system/bssh-server.socket sysusers.d/bssh.conf tmpfiles.d/bssh.conf; do
    rm -f "$other/$file"
  done
  # Its links point to the removed unit.
  if [[ -n $was_enabled ]]; then systemctl --quiet reenable "bssh-server.$was_enabled"; fi
  if [[ -n $name ]]; then
    say "Its programs stay while the old daemon runs; once that is restarted: scripts/install.sh --uninstall --prefix $name"
  fi
}

make_configuration() {
  install -d -m 0755 /etc/bssh
  if [[ ! -e /etc/bssh/server.yaml && ! -e /etc/bssh/ssh_host_ed25519_key ]]; then
    "$server" gen-host-key -t ed25519 -o /etc/bssh/ssh_host_ed25519_key
  fi
  if [[ ! -e /etc/bssh/server.yaml ]]; then
    # Before the redirection opens the file.
    (umask 077 && : >/etc/bssh/server.yaml)
    {
      say "# bssh-server.yaml(5); every key with its default: bssh-server gen-config"
      say "server:"
      say "  port: 2222"
      say "  host_keys: [/etc/bssh/ssh_host_ed25519_key]"
      say "auth:"
      say "  methods: [publickey]"
    } >/etc/bssh/server.yaml
  fi
  "$server" check-config -c /etc/bssh/server.yaml >/dev/null || die "/etc/bssh/server.yaml does not load, see above"
}

install_files() {
  local executable page
  install -D -m 0755 .build/release/bssh-server "$server"
  for executable in "${executables[@]:1}"; do
    install -D -m "$(executable_mode "$executable")" ".build/release/$executable" "$helpers/$executable"
  done
  install -D -m 0644 systemd/sysusers.conf "$sysusers"
  install -D -m 0644 systemd/tmpfiles.conf "$tmpfiles"
  install -d "${unit%/*}"
  sed "s|/usr/sbin/bssh-server|$prefix/sbin/bssh-server|g" systemd/bssh-server.service >"$unit"
  chmod 0644 "$unit"
  install -m 0644 systemd/bssh-server.socket "$socket"
  for page in man/*.[1-9]; do install -D -m 0644 "$page" "$manual/man${page##*.}/${page##*/}"; done
  install -D -m 0644 etc/server.yaml "$examples/server.yaml"
  install -m 0644 LICENSE README.md CHANGELOG.md "$examples/"
}

install_all() {
  build_if_needed
  if [[ -z $destdir ]]; then
    make_accounts
    check_configuration
  fi
  install_files
  if [[ -n $destdir ]]; then
    say "The files are below $destdir. Accounts, host key and /etc/bssh are made where they get installed."
    return
  fi
  remove_other_units
  # Without systemd-tmpfiles the daemon creates its directory at its start.
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

# The ids of processes that run one of our programs, or a replaced file of one; candidates are selected by process name.
our_processes() {
  local link target
  for link in /proc/[0-9]*/exe; do
    target=$(readlink "$link" 2>/dev/null) || continue
    target=${target% (deleted)}
    case " $* " in *" ${target##*/} "*) say "${link//[!0-9]/}" ;; esac
  done
}

# True if this process was started in a login of one of our sessions: it must not end with it.
is_below_us() {
  local process=$1 ours
  ours=" $(our_processes bssh-session bssh-supervisor | tr '\n' ' ') "
  while ((process > 1)); do
    [[ $ours != *" $process "* ]] || return 0
    process=$(awk '/^PPid:/ { print $2 }' "/proc/$process/status" 2>/dev/null) || return 1
  done
  return 1
}

# Ends all daemons and all logins through them: accounts that are in use cannot be removed.
end_everything() {
  local supervisors process i
  mapfile -t supervisors < <(our_processes bssh-supervisor)
  if ((${#supervisors[@]} > 0)); then
    say "Ending every login: $(our_processes bssh-session | wc -l) processes"
    for process in "${supervisors[@]}"; do kill -TERM "$process" 2>/dev/null || true; done
  fi
  for ((i = 0; i < 100; i++)); do
    if [[ -z $(our_processes "${executables[@]:1}") ]]; then return; fi
    sleep 0.1
  done
  for process in $(our_processes "${executables[@]:1}"); do kill -KILL "$process" 2>/dev/null || true; done
}

# The directories of the journal and of recordings, as configured and by default.
journal_directories() {
  say /var/log/bssh
  if [[ -x $server && -e /etc/bssh/server.yaml ]]; then
    "$server" check-config -c /etc/bssh/server.yaml 2>/dev/null |
      sed -n 's/^ *-\{0,1\} *path: "\{0,1\}\(\/.*\)\/[^/"]*"\{0,1\}$/\1/p; s/^ *directory: "\{0,1\}\(\/[^"]*\)"\{0,1\}$/\1/p' || true
  fi
}

uninstall_all() {
  local executable page account folder name directories=()
  if [[ -n $purge && -z $destdir ]]; then
    if is_below_us $$; then
      die "--purge ends every login, this one too: run it on the console, or through another server"
    fi
    mapfile -t directories < <(journal_directories)
  fi
  # If the unit is missing, it was not that of this installation: another one may be running.
  if systemd_runs && [[ -e $unit ]]; then
    for name in bssh-server.socket bssh-server.service; do
      if systemctl --quiet is-enabled "$name" 2>/dev/null; then systemctl disable "$name"; fi
      if systemctl --quiet is-active "$name"; then
        say "Stopping $name; who is logged in stays so${purge:+ for now}"
        systemctl stop "$name"
      fi
    done
  fi
  if [[ -n $purge && -z $destdir ]]; then end_everything; fi
  rm -f "$server" "$unit" "$socket" "$sysusers" "$tmpfiles"
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
  # The next account with the same ids must not own them.
  for folder in "${directories[@]}"; do
    for account in bssh-transport bssh-authority bssh-audit; do
      if [[ ! -d $folder ]] || ! getent passwd "$account" >/dev/null; then continue; fi
      find "$folder" -xdev \( -user "$account" -o -group "$account" \) -exec chown -h root:root {} +
    done
  done
  for account in bssh-transport bssh-authority bssh-audit; do
    if getent passwd "$account" >/dev/null; then userdel "$account"; fi
  done
  say "Removed, with /etc/bssh, /var/lib/bssh and the accounts; the journal in /var/log/bssh stays, and is root's."
}

"${action}_all"
