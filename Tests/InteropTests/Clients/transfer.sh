#!/usr/bin/env bash
# File transfer clients, one function each: transfer.sh CLIENT. Prints the differences, and then fails.
# shellcheck source-path=SCRIPTDIR source=work.sh
. "$(dirname "$0")/work.sh"

rsync_client() {
  local all=(modes times directory-times)
  tree make local odd newline bytes links many
  rsync -a -e "$SSH" local/ host:there/
  same local "$USER_HOME/there" "${all[@]}"
  rsync -a -e "$SSH" host:there/ back/
  same local back "${all[@]}"
  equal "$(rsync -aic -e "$SSH" local/ host:there/)" "" "the second time there was something to do"
  rm -r local/many
  printf more >>local/large
  rsync -a --delete -e "$SSH" local/ host:there/
  same local "$USER_HOME/there" "${all[@]}"
}

sshfs_client() {
  mkdir mount
  tree make local odd newline bytes
  trap 'fusermount3 -u "$work/mount" || fusermount3 -uz "$work/mount"; cd / && rm -rf "$work"' EXIT
  sshfs -o "ssh_command=$SSH" host: mount
  cp -r --preserve=mode,timestamps,links local mount/there
  same local "$USER_HOME/there" modes times directory-times
  same local mount/there modes times directory-times
  ln -s "it's not there" mount/there/link
  equal "$(readlink "$USER_HOME/there/link")" "it's not there" "a link"
  equal "$(readlink mount/there/link)" "it's not there" "a link"
  ln mount/there/one mount/hard
  equal "$(stat -c %h "$USER_HOME/hard")" 2 "links of a file"
  printf new >mount/new
  mv -f mount/new mount/hard
  equal "$(cat "$USER_HOME/hard")" new "a file that replaces another"
  truncate -s 5G mount/hard
  equal "$(stat -c %s "$USER_HOME/hard")" $((5 << 30)) "size of a longer file"
  printf tail | dd of=mount/hard bs=1M seek=5100 conv=notrunc,fsync status=none
  equal "$(dd if="$USER_HOME/hard" bs=1M skip=5100 count=1 status=none | head -c 4)" tail "what is beyond 4 GiB"
  printf appended >>mount/there/one
  equal "$(cat "$USER_HOME/there/one")" 1appended "a file that was appended to"
  equal "$(stat -f -c %b mount | awk '{print ($1 > 0)}')" 1 "blocks of the file system"
  rm -r mount/there
  equal "$(ls "$USER_HOME")" hard "what is left"
}

rclone_client() {
  local sftp
  rclone_options
  tree make local odd many
  # rclone replaces control characters by visible symbols.
  find local -name $'*\t*' -delete
  rclone "${sftp[@]}" copy --create-empty-src-dirs local :sftp:there
  same local "$USER_HOME/there" times
  rclone "${sftp[@]}" check local :sftp:there 2>check.log || fail "$(cat check.log)"
  if grep -q 'hashes could not be checked' check.log; then fail "no hash: $(cat check.log)"; fi
  rclone "${sftp[@]}" copy --create-empty-src-dirs :sftp:there back
  same local back times
  rm -r local/many
  printf more >>local/large
  rclone "${sftp[@]}" sync local :sftp:there
  same local "$USER_HOME/there" times
  if rclone "${sftp[@]}" check back :sftp:there 2>/dev/null; then fail "a difference was not found"; fi
  equal "$(rclone "${sftp[@]}" md5sum :sftp:there/one)" "$(cd local && md5sum one)" "MD5"
  equal "$(rclone "${sftp[@]}" sha1sum :sftp:there/one)" "$(cd local && sha1sum one)" "SHA-1"
  rclone "${sftp[@]}" about :sftp: | grep Total >/dev/null || fail "no size of the file system"
  # rcat writes data of unknown length, moveto renames.
  printf streamed | rclone "${sftp[@]}" rcat :sftp:streamed
  rclone "${sftp[@]}" moveto :sftp:streamed :sftp:there/moved
  equal "$(rclone "${sftp[@]}" cat :sftp:there/moved)" streamed "a stream"
}

lftp_client() {
  tree make local odd links many
  sites() {
    lftp -e "set net:max-retries 1; set net:timeout 15; set sftp:connect-program \"$SSH -a -x\"
      set sftp:charset UTF-8; set file:charset UTF-8
      open sftp://$LOGIN:@127.0.0.1:$PORT; $1; exit"
  }
  sites "mirror -R --no-umask --parallel=4 local there"
  same local "$USER_HOME/there" modes times
  sites "mirror --no-umask --parallel=4 there back"
  same local back modes times
  rm -r local/many
  printf more >>local/large
  sites "mirror -R --no-umask --delete local there; mv there/one there/uno; chmod 604 there/uno; ls there" | grep -q uno ||
    fail "no listing"
  mv local/one local/uno
  chmod 604 local/uno
  same local "$USER_HOME/there" modes
}

psftp_client() {
  local putty
  putty_options
  tree make local odd many
  # PuTTY reads its script line by line, and only its own wildcards cannot handle a name of 255 bytes.
  printf '%s\n' 'put -r local there' 'get -r there back' 'mv there/one there/uno' 'chmod 604 there/uno' 'mkdir d' \
    'rmdir d' 'del there/block' 'ls there' 'put local/large there/two' >script
  psftp "${putty[@]}" -l "$LOGIN" -b script 127.0.0.1 >out 2>&1 || fail "$(tail -20 out)"
  same local back
  mv local/one local/uno
  rm local/block
  cp local/large local/two
  same local "$USER_HOME/there"
  equal "$(stat -c %a "$USER_HOME/there/uno")" 604 "permissions"
  grep -q 'rw----r--.*uno' out || fail "no listing: $(cat out)"
}

pscp_client() {
  local putty protocol
  putty_options
  tree make local odd
  # pscp treats everything before a backslash as a directory.
  rm local/back* local/sub/back*
  for protocol in sftp scp; do
    mkdir "$USER_HOME/$protocol"
    chmod 777 "$USER_HOME/$protocol"
    pscp "${putty[@]}" -q -$protocol -r -p local "$LOGIN@127.0.0.1:$protocol" >out 2>&1 || fail "$(tail -20 out)"
    same local "$USER_HOME/$protocol/local" times
    pscp "${putty[@]}" -q -$protocol -r -p "$LOGIN@127.0.0.1:$protocol/local" "back-$protocol" >out 2>&1 ||
      fail "$(tail -20 out)"
    same local "back-$protocol" times
  done
  pscp "${putty[@]}" -ls "$LOGIN@127.0.0.1:sftp/local" | grep -q large || fail "no listing"
}

curl_client() {
  local scheme url size=3000001 digest
  digest=$(ssh-keygen -lf "$DIRECTORY/host0.pub" | awk '{print $2}')
  fetch() {
    curl -sS --hostpubsha256 "${digest#SHA256:}" -u "$LOGIN:" --key "$KEY" --pubkey "$KEY.pub" --max-time 20 "$@"
  }
  head -c $size /dev/urandom >in
  for scheme in sftp scp; do
    url=$scheme://127.0.0.1:$PORT$USER_HOME/$scheme
    fetch -T in "$url%20it%27s"
    fetch -o out "$url%20it%27s"
    cmp in out
    cmp in "$USER_HOME/$scheme it's"
  done
  url=sftp://127.0.0.1:$PORT
  head -c 1000000 in >part
  fetch -C - -o part "$url/~/sftp%20it%27s"
  cmp in part
  equal "$(fetch -r 100-199 "$url/~/sftp%20it%27s" | sha256sum)" "$(tail -c +101 in | head -c 100 | sha256sum)" "a range"
  fetch --ftp-create-dirs -T in "$url/~/new/directories/file"
  head -c 1000 in >"$USER_HOME/new/directories/resumed"
  chmod 666 "$USER_HOME/new/directories/resumed"
  fetch -a -T <(tail -c +1001 in) "$url/~/new/directories/resumed"
  cmp in "$USER_HOME/new/directories/resumed"
  fetch -Q "rename $USER_HOME/new/directories/file $USER_HOME/new/file" -Q "chmod 604 $USER_HOME/new/file" \
    -Q "ln $USER_HOME/new/file $USER_HOME/new/link" -Q "mkdir $USER_HOME/new/more" "$url/~/new/" >listing
  grep -q -- '-rw----r--.* file$' listing || fail "$(cat listing)"
  equal "$(readlink "$USER_HOME/new/link")" "$USER_HOME/new/file" "a link"
  cmp in "$USER_HOME/new/link"
}

sftp_batch() { sftp -q -F "$DIRECTORY/ssh_config" -b - host; }

sftp_client() {
  local all=(modes times directory-times)
  tree make local odd newline bytes
  sftp_batch <<<"put -rp local there" >out 2>&1 || fail "$(tail -5 out)"
  same local "$USER_HOME/there" "${all[@]}"
  sftp_batch <<<"get -rp there back" >out 2>&1 || fail "$(tail -5 out)"
  same local back "${all[@]}"
  printf '%s\n' 'cp there/large there/copy' 'ln there/one there/hard' 'ln -s one there/soft' 'df -h there' \
    'chmod 604 there/one' 'rename there/sub there/moved' 'rm there/nothing' 'ls -la there' >script
  sftp_batch <script >out 2>&1 || fail "$(tail -5 out)"
  cmp local/large "$USER_HOME/there/copy"
  equal "$(stat -c '%h %a' "$USER_HOME/there/hard")" "2 604" "a hard link"
  equal "$(readlink "$USER_HOME/there/soft")" one "a link"
  same local/sub "$USER_HOME/there/moved" modes times
  grep -q 'soft$' out || fail "$(cat out)"
}

# Both protocols; the old one has no escape for a newline in a name.
scp_client() {
  local all=(modes times directory-times) protocol
  tree make local odd bytes many
  for protocol in -s -O; do
    scp -q -F "$DIRECTORY/ssh_config" "$protocol" -rp local "host:there$protocol" >out 2>&1 || fail "$(tail -5 out)"
    same local "$USER_HOME/there$protocol" "${all[@]}"
    scp -q -F "$DIRECTORY/ssh_config" "$protocol" -rp "host:there$protocol" "back$protocol" >out 2>&1 ||
      fail "$(tail -5 out)"
    same local "back$protocol" "${all[@]}"
  done
}

# 20,000 files, in both directions.
sftp_many() {
  local number
  mkdir local
  for ((number = 0; number < 20000; number++)); do printf %s "$number" >"local/$number"; done
  chmod 640 local/1*
  touch -d '2001-02-03 04:05:06' local/*7
  sftp_batch <<<"put -rp local there" >out 2>&1 || fail "$(tail -5 out)"
  same local "$USER_HOME/there" modes times
  sftp_batch <<<"get -rp there back" >out 2>&1 || fail "$(tail -5 out)"
  same local back modes times
}

# 10 GB, nearly all of which is a hole.
sftp_large() {
  local size=10000000000 tail=1000000
  truncate -s $((size - tail)) most
  head -c $tail /dev/urandom >end
  cp --sparse=always most whole
  cat end >>whole
  truncate -s $((size - tail)) "$USER_HOME/up"
  chmod 666 "$USER_HOME/up"
  printf '%s\n' 'reput whole up' 'ls -l up' 'reget up most' >script
  sftp_batch <script >out 2>&1 || fail "$(cat out)"
  grep -q " $size .* up" out || fail "$(cat out)"
  equal "$(stat -c %s "$USER_HOME/up")" $size "size of what was put"
  equal "$(stat -c %s most)" $size "size of what was got"
  cmp end <(tail -c $tail "$USER_HOME/up")
  cmp end <(tail -c $tail most)
}

"$1"
