#!/usr/bin/env bash
# Programs that work over SSH, used as people use them, one function each: tools.sh TOOL.
# shellcheck source-path=SCRIPTDIR source=work.sh
. "$(dirname "$0")/work.sh"

export HOME=$work
mkdir -m 700 .ssh
cp "$DIRECTORY/known_hosts" .ssh/known_hosts

# A tree, 200 small files and a large one, in `data`.
make_data() {
  local number
  mkdir -p data/files
  tree make data/tree
  for number in {1..200}; do echo "$number" >"data/files/$number"; done
  head -c 8000000 /dev/urandom >data/large
}

# quietly COMMAND...: shows its output only if it fails.
quietly() { "$@" >"$work/output" 2>&1 || fail "$1 $2 $3: $(tail -5 "$work/output")"; }

# within SECONDS WHAT COMMAND...: the command succeeds within this time.
within() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    ((SECONDS < end)) || fail "not in time: $what"
    sleep 0.02
  done
}

# The repository is locked; prints the process id of the client's ssh.
borg_locks() {
  [[ -e $USER_HOME/borg/lock.exclusive || -e $USER_HOME/borg/lock.roster ]] && pgrep -P "$1" -x ssh
}
# No process of the user has this in its command line.
nothing_runs() { ! pgrep -u "$LOGIN" -f "$1" >/dev/null; }

# Backups

restic_tool() {
  make_data
  export RESTIC_PASSWORD=secret RESTIC_REPOSITORY=sftp:host:restic
  repository() { quietly restic -q -o "sftp.command=$SSH host -s sftp" --cache-dir "$work/cache" "$@"; }
  repository init --repository-version 1
  repository backup data
  rm -r data/files
  head -c 1000000 /dev/urandom >>data/large
  repository backup data
  repository check --read-data
  repository forget --keep-last 1 --prune
  repository migrate upgrade_repo_v2
  repository unlock --remove-all
  repository restore latest --target restored
  same data restored/data modes times
}

borg_tool() {
  make_data
  export BORG_RSH=$SSH BORG_REPO=ssh://host/./borg BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes
  quietly borg init --encryption none
  quietly borg create ::one data
  printf more >>data/large
  quietly borg create ::two data
  quietly borg check --verify-data
  quietly borg delete ::one
  quietly borg compact --verbose --progress
  mkdir extracted
  (cd extracted && quietly borg extract ::two)
  same data extracted/data modes times
  # A client that is killed while it sends endless data: its server side ends, and the lock can be broken.
  mkfifo endless
  yes >endless &
  local feeder=$!
  borg create --read-special ::three endless >/dev/null 2>&1 &
  local client=$!
  within 30 "borg begins" borg_locks "$client" >ssh.pid
  kill -KILL $client "$(<ssh.pid)" $feeder
  wait $client $feeder 2>/dev/null || true
  within 20 "borg's end at the server" nothing_runs "borg serve"
  quietly borg break-lock --lock-wait 5
  quietly borg create ::four data
}

duplicity_tool() {
  make_data
  local place="pexpect+sftp://$LOGIN@127.0.0.1:$PORT/duplicity"
  local options=(--no-encryption "--ssh-options=-oIdentityFile=$KEY -oUserKnownHostsFile=$HOME/.ssh/known_hosts")
  quietly duplicity "${options[@]}" data "$place" </dev/null
  quietly duplicity restore "${options[@]}" "$place" restored </dev/null
  same data restored modes
}

rclone_tool() {
  local sftp status=0
  rclone_options
  make_data
  quietly rclone "${sftp[@]}" sync --create-empty-src-dirs --checksum --sftp-concurrency 64 --sftp-chunk-size 255k data :sftp:there
  same data "$USER_HOME/there" times
  quietly rclone "${sftp[@]}" moveto :sftp:there/large :sftp:there/moved
  quietly rclone "${sftp[@]}" copyto :sftp:there/moved :sftp:there/copied
  cmp data/large "$USER_HOME/there/copied"
  quietly rclone "${sftp[@]}" purge :sftp:there
  [[ ! -e $USER_HOME/there ]] || fail "there is left"
  rclone "${sftp[@]}" lsf :sftp:nothing-here >/dev/null 2>&1 || status=$?
  equal $status 3 "the status for a directory that is not there"
}

git_tool() {
  export GIT_SSH_COMMAND=$SSH GIT_CONFIG_GLOBAL=$work/gitconfig
  git config --global user.name somebody
  git config --global user.email somebody@example.org
  git config --global init.defaultBranch main
  make_data
  # git has no empty directories.
  rmdir data/tree/empty
  "$SSH" host 'git init -q --bare repository'
  git -C data init -q
  git -C data add .
  git -C data commit -qm first
  local number
  for number in {1..50}; do git -C data commit -q --allow-empty -m "$number"; done
  quietly git -C data push "ssh://host/~/repository" HEAD:main
  quietly git clone -b main "ssh://host/~/repository" clone
  diff -r -x .git data clone
  for number in {1..5}; do quietly git ls-remote "ssh://host/~/repository"; done
}

# Mounts

sshfs_tool() {
  mkdir mount
  trap 'cd /; fusermount3 -u "$work/mount" || fusermount3 -uz "$work/mount"; rm -rf "$work"' EXIT
  sshfs -o "ssh_command=$SSH" host: mount
  export GIT_CONFIG_GLOBAL=$work/gitconfig
  git config --global safe.directory '*'
  git init -q mount/repository
  (
    cd mount/repository
    echo a >file
    git add file
    git -c user.name=a -c user.email=a@example.org commit -qm first
    equal "$(git status --porcelain)" "" "git's status"
    git gc -q
  )
  local number
  mkdir mount/many
  for number in {1..300}; do echo "$number" >"mount/many/$number"; done
  equal "$(find mount/many -type f | wc -l)" 300 "files"
  rm -r mount/many
  sqlite3 mount/database 'create table t(a); with recursive n(a) as (select 1 union all select a + 1 from n where a < 500)
    insert into t select a from n;'
  equal "$(sqlite3 mount/database 'select count(*) from t')" 500 "rows"
  tree make local odd
  tar -cf - local | tar -xf - --no-same-owner -C mount
  same local mount/local times
  exec 7>mount/open
  rm mount/open
  echo x >&7
  exec 7>&-
  dd if=/dev/zero of=mount/synchronized bs=64k count=10 conv=fsync status=none
  touch -d '2001-02-03 04:05:06' mount/synchronized
  equal "$(stat -c %y mount/synchronized | head -c 19)" "2001-02-03 04:05:06" "a time"
  if touch mount/no/such 2>/dev/null; then fail "a file in a directory that is not there"; fi
}

# Clients of other projects

dropbear_tool() {
  dropbearconvert openssh dropbear "$KEY" key >/dev/null 2>&1
  client() { dbclient -y -y -p "$PORT" "$@"; }
  local status=0 output
  output=$(client -i key "$LOGIN@127.0.0.1" 'echo one; exit 7' 2>/dev/null </dev/null) || status=$?
  equal "$status $output" "7 one" "dbclient"
  equal "$(head -c 3000000 /dev/zero | client -i key "$LOGIN@127.0.0.1" 'cat | wc -c' 2>/dev/null)" 3000000 "bytes in"
  equal "$(client -i key "$LOGIN@127.0.0.1" 'head -c 3000000 /dev/zero' 2>/dev/null </dev/null | wc -c)" 3000000 "bytes out"
  equal "$(DROPBEAR_PASSWORD=$PASSWORD client "$LOGIN@127.0.0.1" 'echo in' 2>/dev/null </dev/null)" in "a password"
}

putty_tool() {
  local putty status=0 output
  putty_options
  output=$(plink "${putty[@]}" "$LOGIN@127.0.0.1" 'echo one; exit 5' 2>&1 </dev/null) || status=$?
  equal "$status $output" "5 one" "plink"
  head -c 2000000 /dev/urandom >in
  quietly pscp "${putty[@]}" -p in "$LOGIN@127.0.0.1:pattern-one"
  # The old protocol, and a pattern that the server expands.
  quietly pscp "${putty[@]}" -scp -unsafe "$LOGIN@127.0.0.1:pattern-*" out
  cmp in out
}

scanners_tool() {
  equal "$(ssh-keyscan -p "$PORT" 127.0.0.1 2>/dev/null | awk '{print $2}' | sort | tr '\n' ' ')" \
    "ecdsa-sha2-nistp256 ssh-ed25519 ssh-rsa " "keys that ssh-keyscan finds"
  contains "$(nmap -Pn -sV -p "$PORT" --script ssh2-enum-algos,ssh-hostkey,ssh-auth-methods 127.0.0.1 2>&1)" "open  ssh" nmap
  equal "$("$SSH" host 'echo in')" in "a login afterwards"
}

# Libraries of other languages

php_tool() { contains "$(php "$clients/libraries/phpseclib.php" 2>&1)" "all is well" phpseclib; }
ruby_tool() { contains "$(ruby "$clients/libraries/net_ssh.rb" 2>&1)" "all is well" net-ssh; }
perl_tool() { contains "$(perl "$clients/libraries/net_ssh2.pl" 2>&1)" "all is well" Net::SSH2; }
fabric_tool() { contains "$(/usr/bin/python3 "$clients/libraries/fabric_client.py" 2>&1)" "all is well" Fabric; }
# $VENV contains what make-test-venv.sh installs.
pssh_tool() {
  local backend
  for backend in libssh2 libssh; do
    contains "$("$VENV/bin/python" "$clients/libraries/pssh_client.py" $backend 2>&1)" "all is well" "parallel-ssh by $backend"
  done
}

"$1_tool"
