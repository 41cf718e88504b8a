#!/usr/bin/env bash
# Installs, logs in and uninstalls, as root, in a root directory created for it; this machine is not changed.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source-path=SCRIPTDIR source=common.sh
. scripts/common.sh
((EUID == 0)) || die "needs root"

if [[ ${1:-} != inside ]]; then
  root=$(mktemp -d)
  trap 'rmdir "$root"' EXIT
  # The mounts, everything that was created in them, and the processes end with the namespace.
  unshare --mount --pid --fork --kill-child -- "scripts/${0##*/}" inside "$root"
  exit
fi

root=$2
mount -t tmpfs -o mode=755 tmpfs "$root"
mkdir -p "$root"/{usr,dev,proc,repository,run,tmp,var/lib,var/tmp,root/.ssh,opt}
chmod 1777 "$root/tmp" "$root/var/tmp"
chmod 700 "$root/root" "$root/root/.ssh"
for link in /bin /sbin /lib*; do [[ ! -L $link ]] || cp -a "$link" "$root/"; done
cp -a /etc "$root/etc"
rm -rf "$root/etc/bssh"
# Everything written there is discarded at the end.
mkdir -p "$root"/overlay/{upper,work}
mount -t overlay -o "lowerdir=/usr,upperdir=$root/overlay/upper,workdir=$root/overlay/work" overlay "$root/usr"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount --bind . "$root/repository"

inside() { chroot "$root" "$@"; }
installer() { inside /repository/scripts/install.sh --prefix /opt/bssh "$@"; }
have() { [[ -e $root$1 ]] || die "install.sh did not make $1"; }
have_not() { [[ ! -e $root$1 ]] || die "--uninstall left $1"; }
mode_of() { stat -c '%a %U' "$root$1"; }

installer
for file in /opt/bssh/sbin/bssh-server /opt/bssh/lib/bssh/bssh-{supervisor,transport,authority,session,journal,exporter} \
  /etc/systemd/system/bssh-server.service /etc/sysusers.d/bssh.conf /etc/tmpfiles.d/bssh.conf \
  /etc/bssh/server.yaml /etc/bssh/ssh_host_ed25519_key.pub /run/bssh/empty /opt/bssh/share/man/man8/bssh-server.8; do
  have "$file"
done
[[ $(mode_of /etc/bssh/ssh_host_ed25519_key) == "600 root" ]] || die "the host key is $(mode_of /etc/bssh/ssh_host_ed25519_key)"
[[ $(mode_of /etc/bssh/server.yaml) == "600 root" ]] || die "server.yaml is $(mode_of /etc/bssh/server.yaml)"
have /etc/systemd/system/bssh-server.socket
[[ $(mode_of /run/bssh/empty) == "755 root" ]] || die "/run/bssh/empty is $(mode_of /run/bssh/empty)"
for executable in session transfer; do
  [[ $(mode_of "/opt/bssh/lib/bssh/bssh-$executable") == "711 root" ]] ||
    die "bssh-$executable is $(mode_of "/opt/bssh/lib/bssh/bssh-$executable")"
done
for account in bssh-transport bssh-authority bssh-audit; do
  inside getent passwd "$account" >/dev/null || die "there is no account $account"
done
grep -q '^ExecStart=/opt/bssh/sbin/bssh-server ' "$root/etc/systemd/system/bssh-server.service" ||
  die "the unit starts another bssh-server"

# The installed executables find each other, and root can log in with a key.
ssh-keygen -q -t ed25519 -N '' -f "$root/root/.ssh/id_ed25519"
cp "$root/root/.ssh/id_ed25519.pub" "$root/root/.ssh/authorized_keys"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
start() {
  chroot "$root" /opt/bssh/sbin/bssh-server run -D -c /etc/bssh/server.yaml -b 127.0.0.1 -p "$port" &
  daemon=$!
  for ((i = 0; i < 100; i++)); do
    if port_answers "$port"; then break; fi
    sleep 0.1
  done
}
start
read -r type blob _ <"$root/etc/bssh/ssh_host_ed25519_key.pub"
say "[127.0.0.1]:$port $type $blob" >"$root/root/known_hosts"
client=(
  ssh -F none -p "$port" -i "$root/root/.ssh/id_ed25519" -o "UserKnownHostsFile=$root/root/known_hosts"
  -o BatchMode=yes -o IdentitiesOnly=yes root@127.0.0.1
)
answer=$("${client[@]}" 'echo it works' </dev/null) || die "no login"
[[ $answer == "it works" ]] || die "the login answered: $answer"
kill -TERM "$daemon"
wait "$daemon" || die "the daemon exited with $? after SIGTERM"
[[ $(mode_of /var/log/bssh/audit.log) == "600 bssh-audit" ]] ||
  [[ $(stat -c '%a' "$root/var/log/bssh/audit.log") == 600 ]] || die "the journal is $(mode_of /var/log/bssh/audit.log)"
grep -q '"event_type":"daemon_stopped"' "$root/var/log/bssh/audit.log" || die "the journal does not tell of the end"

# A second installation keeps the configuration and the key.
say "# kept" >>"$root/etc/bssh/server.yaml"
before=$(cat "$root/etc/bssh/server.yaml" "$root/etc/bssh/ssh_host_ed25519_key")
installer
[[ $(cat "$root/etc/bssh/server.yaml" "$root/etc/bssh/ssh_host_ed25519_key") == "$before" ]] ||
  die "a second installation changed /etc/bssh"

# A configuration that does not load is detected before anything is replaced.
marked=$root/opt/bssh/lib/bssh/bssh-transfer
say "old" >"$marked"
say "sever: {}" >>"$root/etc/bssh/server.yaml"
if installer 2>"$root/tmp/errors"; then die "an upgrade took a configuration that does not load"; fi
grep -q "nothing was installed" "$root/tmp/errors" || die "the upgrade failed with: $(cat "$root/tmp/errors")"
[[ $(cat "$marked") == old ]] || die "an upgrade replaced programs before it looked at the configuration"
sed -i '$d' "$root/etc/bssh/server.yaml"

# Installing with another prefix removes the unit of the first installation, which would take precedence, and keeps its
# programs for the running daemon; removing those later does not affect the new unit.
have_not /usr/lib/systemd/system/bssh-server.service
inside /repository/scripts/install.sh
have_not /etc/systemd/system/bssh-server.service
have_not /etc/sysusers.d/bssh.conf
have /usr/lib/systemd/system/bssh-server.socket
have /opt/bssh/sbin/bssh-server
installer --uninstall
have_not /opt/bssh/sbin/bssh-server
have /usr/lib/systemd/system/bssh-server.service
installer
have_not /usr/lib/systemd/system/bssh-server.service
have /etc/systemd/system/bssh-server.service
inside /repository/scripts/install.sh --uninstall
have_not /usr/sbin/bssh-server

installer --uninstall
have /etc/bssh/server.yaml
for file in /opt/bssh/sbin/bssh-server /opt/bssh/lib/bssh /etc/systemd/system/bssh-server.{service,socket} \
  /etc/sysusers.d/bssh.conf /etc/tmpfiles.d/bssh.conf /opt/bssh/share/man/man8/bssh-server.8; do
  have_not "$file"
done

# From within a login of the daemon, --purge is refused. Otherwise it ends open logins, and leaves no file of an account
# that no longer exists.
installer
start
if "${client[@]}" "/repository/scripts/install.sh --prefix /opt/bssh --uninstall --purge" </dev/null 2>"$root/tmp/errors"; then
  die "--purge ended the login that it ran in"
fi
grep -q "ends every login, this one too" "$root/tmp/errors" || die "--purge failed with: $(cat "$root/tmp/errors")"
have /etc/bssh/server.yaml
mkfifo "$root/tmp/ready"
"${client[@]}" 'echo ready; exec sleep 1000' </dev/null >"$root/tmp/ready" &
read -r -t 20 _ <"$root/tmp/ready" || die "no login"
installer --uninstall --purge
wait "$daemon" || die "the daemon exited with $? after --purge"
have_not /etc/bssh
have_not /run/bssh
have /var/log/bssh/audit.log
[[ -z $(find "$root/var/log/bssh" \( -not -user root -o -not -group root \)) ]] || die "--purge left files of accounts that are gone"
if inside getent passwd bssh-transport >/dev/null; then die "--purge left the account bssh-transport"; fi
say "install.sh: installed, logged in, kept the configuration, uninstalled"
