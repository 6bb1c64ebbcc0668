/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * From a tracepoint to the program that writes the event: which call it was, whether it is wanted,
 * and the tail call. Programs of the events themselves are generated behind this file.
 */

#define TASK_KTHREAD 0x00200000
#define TASK_WORKER 0x00004010 /* user-mode and io_uring workers: no call of a program made them */

/* ---- which processes ----------------------------------------------------------------------- */

struct comm_key {
	char comm[16];
};
/* The loader makes each set as large as it is needed. */
BPF_HASH(pid_set, u32, u8, 1);
BPF_HASH(tid_set, u32, u8, 1);
BPF_HASH(uid_set, u32, u8, 1);
BPF_HASH(comm_set, struct comm_key, u8, 1);
BPF_HASH(tree_set, u32, u8, 1);
BPF_HASH(root_set, u32, u8, 1);
BPF_HASH(cgroup_set, u64, u8, 1);

/* Whether the current task may be in a wanted container: its control group is none of those of
 * which it was known at the start that they belong to no such container. */
static __always_inline int container_wanted(void)
{
	u64 id = bpf_get_current_cgroup_id();
	return !cgroup_set.lookup(&id);
}

static __always_inline int numbers_wanted(u32 flags)
{
	u32 pid = tgid_now(), tid = tid_now();
	if (flags & FLAG_PIDS && !pid_set.lookup(&pid))
		return 0;
	if (flags & FLAG_TREE && !tree_set.lookup(&pid))
		return 0;
	return !(flags & FLAG_TIDS) || tid_set.lookup(&tid);
}

static __always_inline int user_wanted(void)
{
	u32 uid = kread32(task_cred(task_now()), O_CRED_EUID);
	return uid_set.lookup(&uid) != 0;
}

static __always_inline int comm_wanted(void)
{
	struct comm_key key = {};
	bpf_get_current_comm(&key, sizeof(key));
	return comm_set.lookup(&key) != 0;
}

/* Whether the process filter lets the current task through, by those of its parts in `parts`. */
static __always_inline int process_wanted(u32 parts)
{
	u32 flags = config_has(parts);
	if (!flags)
		return 1;
	if (flags & (FLAG_PIDS | FLAG_TIDS | FLAG_TREE) && !numbers_wanted(flags))
		return 0;
	if (flags & FLAG_COMMS && !comm_wanted())
		return 0;
	if (flags & FLAG_UIDS && !user_wanted())
		return 0;
	return !(flags & FLAG_CONTAINERS) || container_wanted();
}

/* Whether a call with this result is wanted from the current task. */
static __always_inline int call_wanted(s64 ret)
{
	return !(ret < 0 && config_has(FLAG_SUCCEEDED)) && process_wanted(FLAG_FILTERS);
}

/* Whether nothing of the current task is captured, not even for the state: it is this capture
 * itself, or outside of the tree that is followed. */
static __always_inline int is_outside(void)
{
	struct config *cfg = config_get();
	u32 pid = tgid_now();
	if (!cfg || cfg->self_tgid == pid)
		return 1;
	return cfg->flags & FLAG_ONLY_TREE && !tree_set.lookup(&pid);
}

/* ---- registers ----------------------------------------------------------------------------- */

/* Reads of a structure the tracepoint handed over: direct when its type is known to the kernel. */
#if TYPED_TRACEPOINT
#define LOAD64(v, p, at) asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(v) : "r"(p), "i"(at))
#define LOAD32(v, p, at) asm volatile("%0 = *(u32 *)(%1 + %2)" : "=r"(v) : "r"(p), "i"(at))
static void *(*current_task_typed)(void) = (void *)158;
#define CURRENT() ((u64)current_task_typed())
#else
#define LOAD64(v, p, at) v = kread64(p, at)
#define LOAD32(v, p, at) v = kread32(p, at)
#define CURRENT() task_now()
#endif

/* Whether the current call came in through the 32-bit entry. */
static __always_inline int is_compat(void)
{
#ifdef O_TASK_COMPAT
	u64 flags;
	LOAD32(flags, CURRENT(), O_TASK_COMPAT);
	return (flags & TASK_COMPAT_BIT) != 0;
#else
	return 0;
#endif
}

static __always_inline s64 call_number(u64 regs)
{
	u64 nr;
#if ARCH_AARCH64
	LOAD32(nr, regs, O_REGS_NR);
#else
	LOAD64(nr, regs, O_REGS_NR);
#endif
	return (s64)(s32)nr;
}

static __always_inline void load_arguments(struct scratch *s, u64 regs)
{
	u64 v;
	LOAD64(v, regs, O_REGS_ARG0);
	s->args[0] = v;
	LOAD64(v, regs, O_REGS_ARG1);
	s->args[1] = v;
	LOAD64(v, regs, O_REGS_ARG2);
	s->args[2] = v;
	LOAD64(v, regs, O_REGS_ARG3);
	s->args[3] = v;
	LOAD64(v, regs, O_REGS_ARG4);
	s->args[4] = v;
	LOAD64(v, regs, O_REGS_ARG5);
	s->args[5] = v;
}

#if ARCH_X86_64
BPF_ARRAY(compat_map, s32, 512);

static __always_inline void load_compat_arguments(struct scratch *s, u64 regs)
{
	u64 v;
	LOAD64(v, regs, O_REGS_BX);
	s->args[0] = (u32)v;
	LOAD64(v, regs, O_REGS_CX);
	s->args[1] = (u32)v;
	LOAD64(v, regs, O_REGS_ARG2);
	s->args[2] = (u32)v;
	LOAD64(v, regs, O_REGS_ARG1);
	s->args[3] = (u32)v;
	LOAD64(v, regs, O_REGS_ARG0);
	s->args[4] = (u32)v;
	LOAD64(v, regs, O_REGS_BP);
	s->args[5] = (u32)v;
}

/* The 64-bit call that does the same; -1 when there is none. */
static __always_inline s64 compat_number(s64 nr)
{
	u32 key = nr;
	s32 *native = compat_map.lookup(&key);
	return native ? *native : -1;
}
#else
static __always_inline void load_compat_arguments(struct scratch *s, u64 regs)
{
	load_arguments(s, regs);
}

static __always_inline s64 compat_number(s64 nr)
{
	return -1;
}
#endif

/* ---- durations ----------------------------------------------------------------------------- */

BPF_TABLE("lru_hash", u32, u64, entered_map, 1);

int on_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	u32 tid = tid_now();
	u64 now = bpf_ktime_get_boot_ns();
	entered_map.update(&tid, &now);
	return 0;
}

static __always_inline void load_entry_time(struct scratch *s)
{
	u32 tid = tid_now();
	u64 *entered;
	if (!config_has(FLAG_DURATIONS))
		return;
	entered = entered_map.lookup(&tid);
	if (!entered)
		return;
	s->entered_ns = *entered;
	entered_map.delete(&tid);
}

/* ---- system calls -------------------------------------------------------------------------- */

/* Writes the event of a call that has ended, if it is wanted. */
static __always_inline int dispatch(void *ctx, u64 regs, s64 ret)
{
	struct counters *c = counters_of(0);
	s64 nr = call_number(regs);
	int compat;
	u32 key;
	struct syscall_entry *entry;
	struct scratch *s;
	if (!c || nr < 0) /* -1: the end of a signal handler, no call of its own */
		return 0;
	c->produced++;
	compat = is_compat();
	if (compat)
		nr = compat_number(nr);
	key = nr;
	entry = syscall_map.lookup(&key);
	if (!entry || !entry->code || (entry->skip_zero && !ret) || is_outside() ||
	    !(entry->state || call_wanted(ret))) {
		c->filtered++;
		return 0;
	}
	s = scratch_take();
	if (!s) {
		c->dropped_scratch++;
		return 0;
	}
	s->nr = nr;
	s->ret = ret;
	s->code = entry->code;
	s->ppm_sc = entry->ppm_sc;
	s->program = entry->program;
	s->message = 0;
	s->compat = compat;
	if (compat)
		load_compat_arguments(s, regs);
	else
		load_arguments(s, regs);
	load_entry_time(s);
	programs.call(ctx, entry->program);
	s->busy = 0;
	c->dropped_no_program++;
	return 0;
}

/* Every call of the machine passes here. */
int on_sys_exit(struct bpf_raw_tracepoint_args *ctx)
{
	return dispatch(ctx, ctx->args[0], ctx->args[1]);
}

#if HAVE_TASK_PT_REGS
static void *(*task_typed)(void) = (void *)158;
static u64 (*typed_task_registers)(void *task) = (void *)175;

/* What a tracepoint of a single call hands over. */
struct call_exit {
	u64 common;
	u64 nr;
	s64 ret;
};

/* Only one call passes here: all others pay next to nothing. */
int on_call_exit(struct call_exit *ctx)
{
	return dispatch(ctx, typed_task_registers(task_typed()), ctx->ret);
}
#endif

/* ---- events of other tracepoints ----------------------------------------------------------- */

/* Takes the scratch memory for one event of `code`; null when it is not to be written.
 * `always` is the flag that says whether the state needs it whatever the process filter says,
 * `parts` are those of the filter that hold for the event. */
static __always_inline struct scratch *event_take(u16 code, u32 always, u32 parts)
{
	struct counters *c = counters_of(0);
	struct scratch *s;
	if (!c)
		return 0;
	c->produced++;
	if (is_outside() || !(config_has(always) || process_wanted(parts))) {
		c->filtered++;
		return 0;
	}
	s = scratch_take();
	if (!s) {
		c->dropped_scratch++;
		return 0;
	}
	s->code = code;
	s->compat = 0;
	return s;
}

/* Keeps the set of a process tree: children of members are members, whoever becomes their parent;
 * so is a later process with the number of a root. */
static __always_inline void tree_add(u64 child)
{
	u32 maker = tgid_now(), pid = kread32(child, O_TASK_TGID);
	u32 parent = kread32(kread64(child, O_TASK_REAL_PARENT), O_TASK_TGID);
	u8 member = 1;
	if (!config_has(FLAG_TREE | FLAG_ONLY_TREE))
		return;
	if (tree_set.lookup(&maker) || tree_set.lookup(&parent) || root_set.lookup(&pid))
		tree_set.update(&pid, &member);
}

int on_process_free(struct bpf_raw_tracepoint_args *ctx)
{
	u64 task = ctx->args[0];
	u32 pid = kread32(task, O_TASK_PID);
	if (pid == kread32(task, O_TASK_TGID))
		tree_set.delete(&pid);
	return 0;
}

/* ---- creation of tasks --------------------------------------------------------------------- */

#if HAVE_TASK_PT_REGS
/* The call that is making a task: its number, or -1. */
static __always_inline s64 forking_call(u64 *flags)
{
	u64 regs = typed_task_registers(task_typed());
	s64 nr = (s64)(s32)kread32(regs, O_REGS_NR);
	u64 first = kread64(regs, O_REGS_ARG0);
#ifdef O_TASK_COMPAT
	if (kread32(task_now(), O_TASK_COMPAT) & TASK_COMPAT_BIT) {
		nr = compat_number(nr);
#if ARCH_X86_64
		first = (u32)kread64(regs, O_REGS_BX);
#endif
	}
#endif
	*flags = clone_call_flags(nr, first);
	return nr;
}
#else
static __always_inline s64 forking_call(u64 *flags)
{
	*flags = 0;
	return NR_CLONE;
}
#endif

/* ---- names ---------------------------------------------------------------------------------- */

/* The event of a call prctl(PR_SET_NAME), in a block with flags: for the state alone. */
#define RENAME_BLOCK 0x217
#define RENAME_CODE 401
#define RENAME_OPTION 15
#define RENAME_FLAGS 1
#define AT_RENAME_FLAGS 10
#define AT_RENAME_EVENT 14
#define AT_RENAME_LENGTHS 40
#define AT_RENAME_TEXT 60
#define COMM_SIZE 16

/* Whether another event tells of the name that `task` gets: exec does, and some tasks make none. */
static __always_inline int tells_name(u64 task)
{
	u64 flags;
	s64 nr;
	if (kread32(task, O_TASK_FLAGS) & (TASK_KTHREAD | TASK_WORKER))
		return 1;
	if (task != task_now())
		return 0;
	nr = forking_call(&flags);
	return nr == NR_EXECVE || nr == NR_EXECVEAT;
}

static __always_inline void write_rename(struct scratch *s, u64 task, u64 length)
{
	struct config *cfg = config_get();
	u8 *b = s->block, *event = b + AT_RENAME_EVENT;
	*(u32 *)b = RENAME_BLOCK;
	*(u16 *)(b + AT_CPU) = s->cpu;
	*(u32 *)(b + AT_RENAME_FLAGS) = RENAME_FLAGS;
	*(u64 *)event = bpf_ktime_get_boot_ns() + (cfg ? cfg->boot_offset_ns : 0);
	*(u64 *)(event + 8) = kread32(task, O_TASK_PID);
	*(u32 *)(event + 16) = AT_RENAME_TEXT - AT_RENAME_EVENT + length;
	*(u16 *)(event + 20) = RENAME_CODE;
	*(u32 *)(event + 22) = 4;
	*(u16 *)(b + AT_RENAME_LENGTHS) = 8;
	*(u16 *)(b + AT_RENAME_LENGTHS + 2) = 4;
	*(u16 *)(b + AT_RENAME_LENGTHS + 4) = length;
	*(u16 *)(b + AT_RENAME_LENGTHS + 6) = 0;
	*(u64 *)(b + AT_RENAME_LENGTHS + 8) = 0;
	*(u32 *)(b + AT_RENAME_LENGTHS + 16) = RENAME_OPTION;
}

/* Tells of every other name, whoever gave it: a call may not tell (a write to /proc), and only this
 * is told at the time from which the kernel's filter sees the name. */
int on_rename(struct bpf_raw_tracepoint_args *ctx)
{
	u64 task = ctx->args[0], total = 0;
	struct scratch *s;
	long got;
	if (tells_name(task))
		return 0;
	s = event_take(RENAME_CODE, FLAG_STATE_ON_RENAME, 0);
	if (!s)
		return 0;
	got = bpf_probe_read_kernel_str(s->block + AT_RENAME_TEXT, COMM_SIZE, (void *)ctx->args[1]);
	if (got > 0)
		total = got;
	BOUND(total, COMM_SIZE);
	write_rename(s, task, total);
	*(u32 *)(s->block + AT_RENAME_TEXT + total) = 0;
	send_block(s, (AT_RENAME_TEXT + total + 3) & ~3ULL);
	s->busy = 0;
	return 0;
}

/* ---- pid namespaces ------------------------------------------------------------------------- */

#define PROCESSES_TRIED 4096

/*
 * The host's number of the process that has `wanted_pid` in our own pid namespace; 0 when there is
 * none. The loader runs it in its own process.
 */
int find_pid(struct bpf_raw_tracepoint_args *ctx)
{
	struct config *cfg = config_get();
	u64 self = task_now(), level = task_level(self), space = task_pid_namespace(self);
	u64 node = kread64(self, O_TASK_GROUP_LEADER) + O_TASK_TASKS;
	u64 at = O_PID_NUMBERS + level * SIZE_UPID;
	int n;
	if (!cfg)
		return 0;
	for (n = 0; n < PROCESSES_TRIED; n++) {
		u64 task = node - O_TASK_TASKS, pid = kread64(task, O_TASK_THREAD_PID);
		u64 differs = kread64(pid, at + O_UPID_NS) ^ space;
		/* One condition a turn: the verifier keeps every branch in mind. A process of a
		 * namespace above ours has something else where its number would be. */
		differs |= kread32(pid, at + O_UPID_NR) ^ cfg->wanted_pid;
		if (!differs)
			return kread32(task, O_TASK_TGID);
		node = kread64(node, 0);
	}
	return 0;
}
