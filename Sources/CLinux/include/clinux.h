// Linux calls that Swift's Glibc module lacks or cannot call (variadic, macros), and nothing else.
// Every function returns -1 with errno set, unless it says otherwise.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/types.h>

// A resource limit that a new process gets; see setrlimit(2).
struct clinux_limit {
  int resource;
  uint64_t soft;
  uint64_t hard;
};

// How to start a process: clinux_spawn.
struct clinux_spawn {
  const char *path;
  // An open executable, which is started in place of what `path` names now; -1: none.
  int executable;
  char *const *argv;
  char *const *envp;
  // These become descriptors 0, 1, 2 … of the new process, which gets no others.
  const int *descriptors;
  size_t descriptor_count;
  // chdir(2) there, as the new identity; when that fails to "/". NULL: stay.
  const char *directory;
  // setsid(2).
  int new_session;
  // Descriptor 0 becomes the controlling terminal; needs new_session.
  int controlling_terminal;
  // setgroups, setresgid, setresuid.
  int change_identity;
  uid_t uid;
  gid_t gid;
  const gid_t *groups;
  size_t group_count;
  // Of all capabilities only CAP_SYS_CHROOT is kept, across execve (ambient).
  int keep_chroot;
  // oom_score_adj of proc(5), as digits, written before the identity changes; NULL: ours.
  const char *oom_score;
  // umask(2) when not negative.
  int umask;
  const struct clinux_limit *limits;
  size_t limit_count;
};

// Starts a process with vfork(2) and execve(2) or execveat(2): signals unblocked and default, no descriptors but the given.
// Returns its process id, or -1 with the errno of whatever failed in it. With another identity what fails from the change
// of identity on is a line on its descriptor 2, and its exit status is 127: nobody with that identity can hold us up.
pid_t clinux_spawn(const struct clinux_spawn *request);
// execveat(2) with AT_EMPTY_PATH: makes this process the program that `executable` is. Returns only when it failed.
int clinux_execute(int executable, char *const *argv, char *const *envp);

int clinux_open(const char *path, int flags, mode_t mode);
// openat(2) with O_PATH | O_NOFOLLOW | O_CLOEXEC.
int clinux_open_entry(int directory, const char *name);
// F_SETPIPE_SZ.
int clinux_grow_pipe(int fd, int bytes);
int clinux_pidfd_open(pid_t pid);
int clinux_close_range(unsigned first, unsigned last);
// prctl(2) with integer arguments.
int clinux_prctl(int operation, unsigned long argument);
// The version of Landlock.
int clinux_landlock_version(void);
// Forbids every access to files by path that Landlock knows. 0, or -1: errno ENOSYS or EOPNOTSUPP where the kernel
// has none. Needs no_new_privs.
int clinux_landlock_no_files(void);
// Forbids, by Landlock, to execute anything, to change files but below `root`, there when `may_change`, and to read any
// but below `root` and the directories `readable`. `root` -1: reading is free, and nothing can be changed. As above, where
// the kernel has no Landlock that allows this. Needs no_new_privs.
int clinux_landlock_files(int root, int may_change, const int *readable, size_t readable_count);
// Forbids, by Landlock, to change anything but this: in `directories` and below, to make regular files, to read and to
// write; to write to `files`, which may be directories: then to all below. Nothing can be removed, renamed or executed.
// As above, where the kernel has no Landlock. Needs no_new_privs.
int clinux_landlock_additions(const int *directories, size_t directory_count);
// fcntl(2) with an integer argument.
int clinux_fcntl(int fd, int command, long argument);
int clinux_set_window_size(int fd, uint16_t rows, uint16_t columns, uint16_t x_pixels, uint16_t y_pixels);
// Opens the terminal that belongs to this pseudo-terminal master (TIOCGPTPEER).
int clinux_open_terminal(int master);
// Bytes that are buffered in a socket or pipe and not read (FIONREAD).
int clinux_readable_bytes(int fd);

// How far a TCP connection has come: TCP_INFO in tcp(7).
struct clinux_tcp_progress {
  // Bytes that the other side has acknowledged since the connection began.
  uint64_t acknowledged;
  // Bytes that were written and that it has not acknowledged (SIOCOUTQ).
  uint64_t outstanding;
  // Bytes that it takes now beyond those, or 0 where the kernel does not tell.
  uint32_t window;
  // Times that it was sent something again, or asked whether it takes more, since it last answered.
  uint32_t unanswered;
  // Milliseconds since its last acknowledgement.
  uint32_t silence;
  // Not 0: nothing goes in either direction any more. What was outstanding when the other side reset it is forgotten.
  int is_closed;
};
int clinux_tcp_progress(int fd, struct clinux_tcp_progress *progress);
// Bytes that were written to a socket and that the other side has not taken (SIOCOUTQ).
int clinux_outstanding_bytes(int fd);

// sendmsg(2) of one message with descriptors (at most 253), MSG_NOSIGNAL | MSG_DONTWAIT when `wait` is 0.
ssize_t clinux_send_message(int fd, const void *bytes, size_t count, const int *descriptors, size_t descriptor_count,
                            int wait);
// recvmsg(2) of one message; descriptors get close-on-exec. `*truncated` is not 0 when bytes or descriptors were lost;
// the descriptors that came are stored all the same.
ssize_t clinux_receive_message(int fd, void *bytes, size_t capacity, int *descriptors, size_t descriptor_capacity,
                               size_t *descriptor_count, int *truncated, int wait);

// WIFEXITED and its relatives.
int clinux_wait_exited(int status);
int clinux_wait_exit_code(int status);
int clinux_wait_signal(int status);
int clinux_wait_core_dumped(int status);
// waitid(2) with WNOWAIT and WNOHANG: `pid` and its status in the form of waitpid(2) when it has ended, without reaping
// it; 0 while it runs; -1.
pid_t clinux_wait_peek(pid_t pid, int *status);
// waitid(2) with WSTOPPED: 1 while a signal keeps the child from running, else 0.
int clinux_is_stopped(pid_t pid);
// The name of a signal without SIG, or NULL: sigabbrev_np(3).
const char *clinux_signal_name(int number);

// memfd_create(2) with MFD_CLOEXEC | MFD_ALLOW_SEALING.
int clinux_memory_file(const char *name);
// Seals against every change; 0 or -1.
int clinux_seal(int fd);
// Seals against getting larger or smaller; 0 or -1.
int clinux_seal_size(int fd);
// Not 0 when the descriptor is a memory file that can no longer change.
int clinux_is_sealed(int fd);

// Overwrites memory in a way that the compiler does not remove.
void clinux_wipe(void *bytes, size_t count);
// Gives up all capabilities, the ambient ones too.
int clinux_drop_capabilities(void);
// pipe2(2) with O_CLOEXEC.
int clinux_pipe(int ends[2]);
// accept4(2) with SOCK_CLOEXEC | SOCK_NONBLOCK.
int clinux_accept(int listener);
// A new pseudo-terminal, close-on-exec; its terminal side is unlocked.
int clinux_open_pty(void);
// The path of its terminal side. 0, or -1.
int clinux_pty_name(int master, char *name, size_t capacity);
// pidfd_send_signal(2).
int clinux_pidfd_signal(int pidfd, int signal);
// fork(2), which Swift does not offer.
pid_t clinux_fork(void);
// Unix sockets that never wait, by a path, or by an abstract name when it begins with '@'; -1 when there is none.
// A datagram socket that sends there.
int clinux_connect_datagram(const char *path);
// A stream socket that is connected to it.
int clinux_connect_stream(const char *path);
// A datagram socket that receives there; the path must not exist.
int clinux_bind_datagram(const char *path);
// The variables of the environment, ended by NULL.
char **clinux_environment(void);
// A copy of this process whose parent is ours (CLONE_PARENT). In the copy 0; here its process id. Only for a process with
// one thread.
pid_t clinux_fork_sibling(void);
// setgroups(2), setresgid(2), setresuid(2), for a process with one thread; then looks whether all of it is so, and whether
// a user other than root cannot go back. When it fails, the identity is not known: end the process. EINVAL for the number
// 4294967295, which means "leave as it is" to the kernel.
int clinux_become(uid_t uid, gid_t gid, const gid_t *groups, size_t group_count);
// seccomp(2): applies a filter of `count` instructions of 8 bytes each.
int clinux_apply_filter(const void *instructions, size_t count);
// Forbids, with EPERM and by seccomp, to start programs and processes, to signal, slow down or look into others and to
// make sockets. Needs no_new_privs.
int clinux_forbid_programs_and_sockets(void);
// Makes such calls fail with EPERM that start programs or processes (not threads), signal, slow down or look into others,
// take connections, or reach parts of the kernel that hardly anyone needs. Needs no_new_privs.
int clinux_forbid_programs_and_listening(void);
// Makes such calls fail with EPERM that open a file to write to it, unless it is a new one (O_CREAT | O_EXCL), or change
// a file by its name. Needs no_new_privs.
int clinux_open_only_new_files(void);
// A new, empty session keyring. -1 where the kernel has none.
int clinux_join_new_keyring(void);

// openat2(2) with O_CLOEXEC; `resolve` is made of the CLINUX_RESOLVE bits.
#define CLINUX_RESOLVE_NO_MAGICLINKS 0x02
#define CLINUX_RESOLVE_NO_SYMLINKS 0x04
#define CLINUX_RESOLVE_IN_ROOT 0x10
int clinux_openat2(int directory, const char *path, int flags, mode_t mode, uint64_t resolve);
int clinux_openat(int directory, const char *name, int flags, mode_t mode);
// f_type of fstatfs(2).
int64_t clinux_file_system_type(int fd);
// faccessat2(2) of an entry, no link followed, with the effective identity, or faccessat(2) where that is not to be had;
// `as_other`: this thread, of a process of root's, takes the identity of that user and group, without other groups, for
// the call.
int clinux_access_as(int as_other, uid_t uid, gid_t gid, int directory, const char *name, int mode);
// O_PATH.
extern const int clinux_path_only;
// renameat2(2) with RENAME_NOREPLACE.
int clinux_rename_new(int from_directory, const char *from, int to_directory, const char *to);
// fchownat(2) and utimensat(2) of the descriptor itself, which may be O_PATH.
int clinux_chown_descriptor(int fd, uid_t uid, gid_t gid);
int clinux_set_times(int fd, int64_t access_seconds, int64_t access_nanoseconds, int64_t seconds, int64_t nanoseconds);
// fstatat(2) that follows no link.
int clinux_stat_entry(int directory, const char *name, struct stat *result);
// copy_file_range(2).
ssize_t clinux_copy_range(int from, int64_t from_offset, int to, int64_t to_offset, size_t count);
// getdents64(2): bytes of entries; 0 at the end.
ssize_t clinux_read_entries(int directory, void *entries, size_t count);
// getrandom(2).
ssize_t clinux_random(void *bytes, size_t count);

// What shadow(5) has about an account, but not its password: days since 1970; -1: none.
struct clinux_shadow {
  long last_change;
  long maximum;
  long inactive;
  long expiration;
  // The password begins with '!'.
  int is_locked;
};

// getspnam(3); for an account without such an entry the password of passwd(5). Returns 1, or 0 when there is neither.
int clinux_shadow_entry(const char *name, struct clinux_shadow *entry);
