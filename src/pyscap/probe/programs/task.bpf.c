/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What events say about a task: ids, memory, credentials, arguments, cgroups, the executable.
 * Kernel pointers are plain u64; every read goes through kread*(), offsets (O_*) come from BTF.
 */

#define PATH_PARTS 48
#define NAME_MAX_BYTES 256
#define CGROUP_DEPTH 12

static __always_inline u64 task_now(void)
{
	return (u64)bpf_get_current_task();
}

static __always_inline u64 tid_now(void)
{
	return (u32)bpf_get_current_pid_tgid();
}

static __always_inline u64 tgid_now(void)
{
	return bpf_get_current_pid_tgid() >> 32;
}

static __always_inline u64 task_parent_tgid(u64 task)
{
	return kread32(kread64(task, O_TASK_REAL_PARENT), O_TASK_TGID);
}

static __always_inline u64 task_level(u64 task)
{
	u64 level = kread32(kread64(task, O_TASK_THREAD_PID), O_PID_LEVEL);
	return level & 31;
}

/* The number of a `struct pid` at a level of the pid namespaces; level 0 is the host. */
static __always_inline u64 pid_number(u64 pid, u64 level)
{
	return (s64)(s32)kread32(pid, O_PID_NUMBERS + level * SIZE_UPID + O_UPID_NR);
}

static __always_inline u64 task_vtid(u64 task)
{
	return pid_number(kread64(task, O_TASK_THREAD_PID), task_level(task));
}

static __always_inline u64 task_vpid(u64 task)
{
	u64 leader = kread64(task, O_TASK_GROUP_LEADER);
	return pid_number(kread64(leader, O_TASK_THREAD_PID), task_level(task));
}

static __always_inline u64 task_pgrp(u64 task)
{
	return kread64(kread64(task, O_TASK_SIGNAL), O_SIGNAL_PIDS + 8 * PIDTYPE_PGID);
}

static __always_inline u64 task_pgid(u64 task)
{
	return pid_number(task_pgrp(task), 0);
}

static __always_inline u64 task_vpgid(u64 task)
{
	u64 pid = task_pgrp(task);
	return pid_number(pid, kread32(pid, O_PID_LEVEL) & 31);
}

/* The pid namespace of a task: that of its number at the deepest level. */
static __always_inline u64 task_pid_namespace(u64 task)
{
	return kread64(kread64(task, O_TASK_THREAD_PID),
		       O_PID_NUMBERS + task_level(task) * SIZE_UPID + O_UPID_NS);
}

/* When the first process of the task's pid namespace started, in ns since boot. */
static __always_inline u64 task_pidns_start(u64 task)
{
	u64 init = kread64(task_pid_namespace(task), O_PIDNS_CHILD_REAPER);
	return kread64(init, O_TASK_START_TIME);
}

static __always_inline u64 task_fdlimit(u64 task)
{
	return kread64(kread64(task, O_TASK_SIGNAL), O_SIGNAL_RLIM + 16 * RLIMIT_NOFILE_INDEX);
}

static __always_inline u64 mm_now(u64 task)
{
	return kread64(task, O_TASK_MM);
}

static __always_inline u64 mm_counter(u64 mm, int which)
{
	s64 pages = (s64)kread64(mm, O_MM_RSS_STAT + which * SIZE_RSS_COUNTER + O_RSS_COUNT);
	return pages > 0 ? (u64)pages << (PAGE_SHIFT_BITS - 10) : 0;
}

static __always_inline u32 mm_size_kb(u64 mm)
{
	return mm ? kread64(mm, O_MM_TOTAL_VM) << (PAGE_SHIFT_BITS - 10) : 0;
}

static __always_inline u32 mm_rss_kb(u64 mm)
{
	return mm ? mm_counter(mm, 0) + mm_counter(mm, 1) + mm_counter(mm, 3) : 0;
}

static __always_inline u32 mm_swap_kb(u64 mm)
{
	return mm ? mm_counter(mm, 2) : 0;
}

static __always_inline u64 task_cred(u64 task)
{
	return kread64(task, O_TASK_CRED);
}

/* Device numbers as user space has them: 12 bits of major between 8 and 12 bits of minor. */
static __always_inline u32 dev_encode(u32 dev)
{
	u32 major = dev >> 20, minor = dev & 0xfffff;
	return (minor & 0xff) | major << 8 | (minor & ~0xffU) << 12;
}

static __always_inline u32 task_tty(u64 task)
{
	u64 tty = kread64(kread64(task, O_TASK_SIGNAL), O_SIGNAL_TTY);
	u64 driver = tty ? kread64(tty, O_TTY_DRIVER) : 0;
	if (!driver)
		return 0;
	return dev_encode(kread32(driver, O_TTY_DRIVER_MAJOR) << 20 |
			  (kread32(driver, O_TTY_DRIVER_MINOR) + kread32(tty, O_TTY_INDEX)));
}

static __always_inline u32 task_loginuid(u64 task)
{
#ifdef O_TASK_LOGINUID
	return kread32(task, O_TASK_LOGINUID);
#else
	return -1;
#endif
}

#define KNOWN_CAPABILITIES 0x1ffffffffffULL

static __always_inline u64 cap_known(u64 caps)
{
	return caps & KNOWN_CAPABILITIES;
}

static __always_inline u64 put_comm(struct scratch *s, u64 pos, int i, u64 task)
{
	long n = bpf_probe_read_kernel_str(s->block + pos, 16, (void *)(task + O_TASK_COMM));
	u64 length = n > 0 ? n : 0;
	BOUND(length, 16);
	set_length(s->block, i, length);
	return pos + length;
}

/*
 * The argument area of the current task as two parameters, i: argv[0], i + 1: the other arguments.
 * They lie behind each other in memory, so one read fetches both.
 */
static __always_inline u64 put_exe_args(struct scratch *s, u64 pos, int i, u64 task)
{
	u64 mm = mm_now(task);
	u64 start = mm ? kread64(mm, O_MM_ARG_START) : 0, end = mm ? kread64(mm, O_MM_ARG_END) : 0;
	u64 exe = 0, rest = 0, all = end > start ? end - start : 0;
	long got;
	if (all > STRING_MAX)
		all = STRING_MAX;
	if (all) {
		got = bpf_probe_read_user_str(s->block + pos, STRING_MAX, (void *)start);
		if (got > 0)
			exe = got;
		else
			mark_unreadable(s, i);
	}
	BOUND(exe, STRING_MAX);
	set_length(s->block, i, exe);
	pos += exe;
	rest = all > exe ? all - exe : 0;
	BOUND(rest, STRING_MAX);
	if (rest && bpf_probe_read_user(s->block + pos, rest, (void *)(start + exe))) {
		mark_unreadable(s, i + 1);
		rest = 0;
	}
	BOUND(rest, STRING_MAX);
	set_length(s->block, i + 1, rest);
	return pos + rest;
}

static __always_inline u64 put_env(struct scratch *s, u64 pos, int i, u64 task)
{
	u64 mm = mm_now(task);
	u64 start = mm ? kread64(mm, O_MM_ENV_START) : 0, end = mm ? kread64(mm, O_MM_ENV_END) : 0;
	u64 length = end > start ? end - start : 0;
	if (length > STRING_MAX)
		length = STRING_MAX;
	length = length > snaplen(SNAP_EXEC) ? snaplen(SNAP_EXEC) : length;
	return put_user_bytes(s, pos, i, start, length, STRING_MAX);
}

/* Copies the NUL-terminated strings of an argv-like array of the caller, at most ARG_COUNT. */
#define ARG_COUNT 48
static __always_inline u64 copy_string_array(struct scratch *s, u64 pos, u64 array, u64 limit)
{
	u64 used = 0;
	int n;
	for (n = 0; n < ARG_COUNT; n++) {
		u64 room, from = s->compat ? uread32(array + 4 * n) : uread64(array + 8 * n);
		long got;
		if (!from || used >= limit)
			break;
		room = STRING_MAX - used;
		BOUND(room, STRING_MAX);
		got = bpf_probe_read_user_str(s->block + pos + used, room, (void *)from);
		if (got <= 0)
			break;
		used += got;
		BOUND(used, STRING_MAX);
	}
	return used;
}

/* argv of a call that failed: i: the first string, i + 1: the others. */
static __always_inline u64 put_argv(struct scratch *s, u64 pos, int i, u64 argv)
{
	u64 width = s->compat ? 4 : 8, first, rest = 0;
	pos = put_user_string(s, pos, i, argv ? (s->compat ? uread32(argv) : uread64(argv)) : 0);
	if (argv && *(u16 *)(s->block + AT_LENGTHS + 2 * i))
		rest = copy_string_array(s, pos, argv + width, STRING_MAX);
	BOUND(rest, STRING_MAX);
	set_length(s->block, i + 1, rest);
	return pos + rest;
}

static __always_inline u64 put_envp(struct scratch *s, u64 pos, int i, u64 envp)
{
	u64 limit = snaplen(SNAP_EXEC), used = 0;
	if (envp)
		used = copy_string_array(s, pos, envp, limit);
	BOUND(used, STRING_MAX);
	set_length(s->block, i, used);
	return pos + used;
}

/* Writes the collected path parts, last first, each behind a slash, then a NUL. */
static __always_inline u64 copy_parts(struct scratch *s, u64 pos, int most)
{
	u64 used = 0;
	int k;
	for (k = 0; k < most; k++) {
		u64 n = s->parts; /* counted in memory: the verifier then walks the loop once */
		long got;
		if (!n)
			break;
		n = (n - 1) & 63;
		s->parts = n;
		s->block[pos + used] = '/';
		got = bpf_probe_read_kernel_str(s->block + pos + used + 1, NAME_MAX_BYTES,
						(void *)s->part[n]);
		if (got > 0)
			used += got; /* the NUL is overwritten by the next slash */
		BOUND(used, STRING_MAX);
	}
	if (!used) {
		s->block[pos] = '/';
		used = 1;
	}
	s->block[pos + used] = 0;
	return used + 1;
}

static __always_inline u64 copy_cgroup_path(struct scratch *s, u64 pos, u64 css_set, int subsystem)
{
	u64 css = kread64(css_set, O_CSS_SET_SUBSYS + 8 * subsystem);
	u64 node = kread64(kread64(css, O_CSS_CGROUP), O_CGROUP_KN);
	int k;
	s->parts = 0;
	for (k = 0; k < CGROUP_DEPTH; k++) {
		u64 parent = node ? kread64(node, O_KERNFS_PARENT) : 0;
		if (!parent)
			break;
		s->part[s->parts & 63] = kread64(node, O_KERNFS_NAME);
		s->parts++;
		node = parent;
	}
	return copy_parts(s, pos, CGROUP_DEPTH);
}

#define COPY_CGROUP(name, subsystem)                                          \
	do {                                                                  \
		__builtin_memcpy(s->block + pos, name "=", sizeof(name "=") - 1); \
		pos += sizeof(name "=") - 1;                                  \
		pos += copy_cgroup_path(s, pos, css_set, subsystem);          \
		BOUND(pos, 0xffff);                                           \
	} while (0)

/* "subsystem=path" NUL for each subsystem this kernel has. */
static __always_inline u64 put_cgroups(struct scratch *s, u64 pos, int i, u64 task)
{
	u64 start = pos, css_set = kread64(task, O_TASK_CGROUPS), length;
#ifdef CGROUP_CPUSET
	COPY_CGROUP("cpuset", CGROUP_CPUSET);
#endif
#ifdef CGROUP_CPU
	COPY_CGROUP("cpu", CGROUP_CPU);
#endif
#ifdef CGROUP_CPUACCT
	COPY_CGROUP("cpuacct", CGROUP_CPUACCT);
#endif
#ifdef CGROUP_IO
	COPY_CGROUP("io", CGROUP_IO);
#endif
#ifdef CGROUP_MEMORY
	COPY_CGROUP("memory", CGROUP_MEMORY);
#endif
	length = pos - start;
	set_length(s->block, i, length);
	return pos;
}

/* Collects the names from a path up to the root of the mounts. */
static __always_inline void collect_path(struct scratch *s, u64 dentry, u64 vfsmount)
{
	u64 mount = vfsmount - O_MOUNT_MNT;
	int k;
	s->parts = 0;
	for (k = 0; k < PATH_PARTS; k++) {
		u64 parent = kread64(dentry, O_DENTRY_PARENT);
		if (dentry == parent || dentry == kread64(mount, O_MOUNT_MNT + O_VFSMOUNT_ROOT)) {
			u64 above = kread64(mount, O_MOUNT_PARENT);
			if (!above || above == mount)
				break;
			dentry = kread64(mount, O_MOUNT_MOUNTPOINT);
			mount = above;
			continue;
		}
		s->part[s->parts & 63] = kread64(dentry, O_DENTRY_NAME);
		s->parts++;
		dentry = parent;
	}
}

static __always_inline u64 put_path(struct scratch *s, u64 pos, int i, u64 dentry, u64 vfsmount)
{
	u64 length = 0;
	if (dentry) {
		collect_path(s, dentry, vfsmount);
		length = copy_parts(s, pos, PATH_PARTS);
	}
	BOUND(length, STRING_MAX + NAME_MAX_BYTES);
	set_length(s->block, i, length);
	return pos + length;
}

static __always_inline u64 put_file_path(struct scratch *s, u64 pos, int i, u64 file)
{
	u64 dentry = file ? kread64(file, O_FILE_DENTRY) : 0;
	return put_path(s, pos, i, dentry, file ? kread64(file, O_FILE_MNT) : 0);
}

/* The working directory. */
static __always_inline u64 put_directory(struct scratch *s, u64 pos, int i, u64 task)
{
	u64 fs = kread64(task, O_TASK_FS);
	return put_path(s, pos, i, kread64(fs, O_FS_PWD_DENTRY), kread64(fs, O_FS_PWD_MNT));
}

/* ---- the executable ------------------------------------------------------------------------ */

static __always_inline u64 exe_file(u64 task)
{
	return kread64(mm_now(task), O_MM_EXE_FILE);
}

static __always_inline u64 file_inode(u64 file)
{
	return file ? kread64(file, O_FILE_INODE) : 0;
}

/*
 * The upper two bits of the nanoseconds of a change time are a mark of the kernel's own.
 * DIFFERENCE(sysdig 0.41.4): captures of libs carry it, and show a time 2.1 s too late.
 */
static __always_inline u64 inode_ctime_ns(u64 inode)
{
	return inode ? kread64(inode, O_INODE_CTIME_SEC) * 1000000000ULL +
			       (kread32(inode, O_INODE_CTIME_NSEC) & 0x3fffffff)
		     : 0;
}

static __always_inline u64 inode_mtime_ns(u64 inode)
{
	return inode ? kread64(inode, O_INODE_MTIME_SEC) * 1000000000ULL + kread32(inode, O_INODE_MTIME_NSEC) : 0;
}

#define MODE_USER_WRITE 0200
#define MODE_GROUP_WRITE 0020
#define MODE_OTHER_WRITE 0002
#define CAP_BIT(n) (1ULL << (n))
#define CAP_DAC_OVERRIDE 1
#define CAP_FOWNER 3
#define SUPER_READONLY 1
#define INODE_IMMUTABLE 8

/* Whether these credentials could write to the inode, or make it writable. */
static __always_inline int inode_writable(u64 inode, u64 cred)
{
	u64 sb = kread64(inode, O_INODE_SB), caps = kread64(cred, O_CRED_CAP_EFFECTIVE);
	u16 mode = kread16(inode, O_INODE_MODE);
	u32 owner = kread32(inode, O_INODE_UID), group = kread32(inode, O_INODE_GID);
	if (kread64(sb, O_SB_FLAGS) & SUPER_READONLY || kread32(inode, O_INODE_FLAGS) & INODE_IMMUTABLE)
		return 0;
	if (caps & (CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_FOWNER)) || mode & MODE_OTHER_WRITE)
		return 1;
	return kread32(cred, O_CRED_FSUID) == owner ||
	       (kread32(cred, O_CRED_FSGID) == group && mode & MODE_GROUP_WRITE);
}

#define OVERLAY_MAGIC 0x794c7630
#define LAYER_UPPER 1
#define LAYER_LOWER 2

/* Which layer of an overlay file system a file is in; 0 elsewhere. */
static __always_inline u32 file_layer(u64 file)
{
#ifdef O_OVL_INODE_UPPER
	u64 inode = file_inode(file);
	if (!inode || (u32)kread64(kread64(inode, O_INODE_SB), O_SB_MAGIC) != OVERLAY_MAGIC)
		return 0;
	return kread64(inode - O_OVL_INODE_VFS, O_OVL_INODE_UPPER) ? LAYER_UPPER : LAYER_LOWER;
#else
	return 0;
#endif
}

/* An anonymous memory file: its dentry is a root of its own and is named memfd:... */
static __always_inline int file_is_memfd(u64 file)
{
	u64 dentry = kread64(file, O_FILE_DENTRY), start = 0;
	if (!file || kread64(dentry, O_DENTRY_PARENT) != dentry)
		return 0;
	bpf_probe_read_kernel(&start, 6, (void *)kread64(dentry, O_DENTRY_NAME));
	return start == 0x3a64666d656dULL; /* "memfd:" */
}

#define EXE_WRITABLE 1
#define EXE_UPPER_LAYER 2
#define EXE_FROM_MEMFD 4
#define EXE_LOWER_LAYER 8

static __always_inline u32 exe_flags(u64 task)
{
	u64 file = exe_file(task);
	u32 layer = file_layer(file);
	if (!file)
		return 0;
	return (inode_writable(file_inode(file), task_cred(task)) ? EXE_WRITABLE : 0) |
	       (layer == LAYER_UPPER ? EXE_UPPER_LAYER : 0) | (file_is_memfd(file) ? EXE_FROM_MEMFD : 0) |
	       (layer == LAYER_LOWER ? EXE_LOWER_LAYER : 0);
}
