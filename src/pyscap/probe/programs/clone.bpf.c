/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The flags of a clone call, and what only the creation of tasks says. */

#define NATIVE_CLONE_VM 0x100
#define NATIVE_CLONE_VFORK 0x4000
#define CLONE_CHILD_IN_PIDNS (1U << 29)

/* The native flags of whichever call makes a task. */
static __always_inline u64 clone_call_flags(s64 nr, u64 first)
{
	if (nr == NR_CLONE)
		return first & ~0xffULL;
	if (nr == NR_CLONE3)
		return uread64(first);
	if (nr == NR_VFORK)
		return NATIVE_CLONE_VM | NATIVE_CLONE_VFORK;
	return 0;
}

/* Set when the child's own number differs from the one the caller sees or the host sees. */
static __always_inline u32 child_in_namespace(u64 task)
{
	u64 own = task_pid_namespace(task);
	u64 children = kread64(kread64(task, O_TASK_NSPROXY), O_NSPROXY_PIDNS);
	return task_level(task) || (children && children != own) ? CLONE_CHILD_IN_PIDNS : 0;
}

#define EXITING 4
#define THREADS_TRIED 16

/* Another thread of the group that still lives; 0 when there is none. */
static __always_inline u64 living_thread(u64 task)
{
	u64 head = kread64(task, O_TASK_SIGNAL) + O_SIGNAL_THREADS, node = kread64(head, 0);
	int n;
	for (n = 0; n < THREADS_TRIED; n++) {
		u64 other = node - O_TASK_THREAD_NODE;
		if (!node || node == head)
			break;
		if (other != task && !(kread32(other, O_TASK_FLAGS) & EXITING))
			return kread32(other, O_TASK_PID);
		node = kread64(node, 0);
	}
	return 0;
}

/* The thread that takes over the children of an exiting one; 0 when it has none. */
static __always_inline u64 reaper_tid(u64 task)
{
	u64 children = task + O_TASK_CHILDREN, tid;
	if (kread64(children, 0) == children)
		return 0;
	tid = living_thread(task);
	if (tid)
		return tid;
	return kread32(kread64(task_pid_namespace(task), O_PIDNS_CHILD_REAPER), O_TASK_PID);
}

static __always_inline s64 exit_status(u64 task)
{
	return (s64)(s32)kread32(task, O_TASK_EXIT_CODE);
}
