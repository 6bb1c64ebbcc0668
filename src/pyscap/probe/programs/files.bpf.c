/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Descriptors, vectors of buffers, and the structures that calls point to. */

static __always_inline u64 file_of(u64 task, u64 number)
{
	s32 fd = number;
	u64 table;
	if (fd < 0)
		return 0;
	table = kread64(kread64(task, O_TASK_FILES), O_FILES_FDT);
	if ((u32)fd >= kread32(table, O_FDT_MAX))
		return 0;
	return kread64(kread64(table, O_FDT_FD), 8 * (u64)fd);
}

static __always_inline u64 fd_inode(u64 number)
{
	return file_inode(file_of(task_now(), number));
}

static __always_inline u64 fd_inode_number(u64 number)
{
	u64 inode = fd_inode(number);
	return inode ? kread64(inode, O_INODE_INO) : 0;
}

static __always_inline u32 fd_device(u64 number)
{
	u64 inode = fd_inode(number);
	return inode ? dev_encode(kread32(kread64(inode, O_INODE_SB), O_SB_DEV)) : 0;
}

#define FMODE_CREATED_BIT 0x100000

/* Flags of an opened file that only the kernel knows: created by this call, layer of an overlay. */
static __always_inline u32 fd_open_extra(u64 number)
{
	u64 file = file_of(task_now(), number);
	u32 layer = file_layer(file);
	if (!file)
		return 0;
	return (kread32(file, O_FILE_MODE) & FMODE_CREATED_BIT ? 1 << 14 : 0) |
	       (layer == LAYER_UPPER ? 1 << 15 : 0) | (layer == LAYER_LOWER ? 1 << 16 : 0);
}

static __always_inline u32 fd_layer(u64 number)
{
	return file_layer(file_of(task_now(), number));
}

#define KERNEL_O_CREAT 0100
#define KERNEL_O_TMPFILE 020000000

/* The mode counts only when the call may create a file. */
static __always_inline u32 open_mode(u64 flags, u64 mode)
{
	return flags & (KERNEL_O_CREAT | KERNEL_O_TMPFILE) ? mode & 07777 : 0;
}

/* ---- vectors ------------------------------------------------------------------------------- */

#define VECTOR_COUNT 32

struct vector {
	u64 base;
	u64 length;
};

static __always_inline struct vector vector_at(struct scratch *s, u64 vectors, int n)
{
	struct vector v = {};
	if (s->compat) {
		u64 pair = uread64(vectors + 8 * n);
		v.base = (u32)pair;
		v.length = pair >> 32;
	} else {
		bpf_probe_read_user(&v, sizeof(v), (void *)(vectors + 16 * n));
	}
	return v;
}

static __always_inline u64 vector_total(struct scratch *s, u64 vectors, u64 count)
{
	u64 total = 0;
	int n;
	for (n = 0; n < VECTOR_COUNT; n++) {
		if (n >= count)
			break;
		total += vector_at(s, vectors, n).length;
	}
	return total;
}

/* At most `snap` of the first `length` bytes that the vectors hold. */
static __always_inline u64 put_vector_bytes(struct scratch *s, u64 pos, int i, u64 vectors, u64 count,
					    s64 length, u64 snap)
{
	u64 want = length > 0 ? length : 0, used = 0;
	int n;
	if (want > snap)
		want = snap;
	BOUND(want, DATA_MAX);
	for (n = 0; n < VECTOR_COUNT; n++) {
		struct vector v;
		u64 part;
		if (n >= count || used >= want)
			break;
		v = vector_at(s, vectors, n);
		part = want - used;
		asm volatile("" : "+r"(part));
		if (v.length < part)
			part = v.length;
		BOUND(part, DATA_MAX);
		if (part && bpf_probe_read_user(s->block + pos + used, part, (void *)v.base)) {
			mark_unreadable(s, i);
			break;
		}
		used += part;
		BOUND(used, DATA_MAX);
	}
	set_length(s->block, i, used);
	return pos + used;
}

/* ---- poll ---------------------------------------------------------------------------------- */

#define POLL_COUNT 32


/* The descriptors that returned something: u16 count, then i64 fd, i16 events each. */
static __always_inline u64 put_poll_fds(struct scratch *s, u64 pos, int i, u64 fds, u64 count)
{
	u64 listed;
	int n;
	s->parts = 0; /* counted in memory: the verifier then walks the loop once */
	for (n = 0; n < POLL_COUNT; n++) {
		u64 one;
		u16 returned;
		u8 *entry;
		if (n >= count)
			break;
		one = uread64(fds + 8 * n);
		returned = one >> 48;
		if (!returned)
			continue;
		listed = s->parts;
		BOUND(listed, POLL_COUNT - 1);
		entry = s->block + pos + 2 + 10 * listed;
		*(s64 *)entry = (s64)(s32)one;
		*(u16 *)(entry + 8) = translate_poll_events(returned);
		s->parts = listed + 1;
	}
	listed = s->parts;
	BOUND(listed, POLL_COUNT);
	*(u16 *)(s->block + pos) = listed;
	set_length(s->block, i, 2 + 10 * listed);
	return pos + 2 + 10 * listed;
}

/* ---- times --------------------------------------------------------------------------------- */

/* A struct timespec of the caller in ns; 0 when there is none. */
static __always_inline u64 timespec_ns(struct scratch *s, u64 from)
{
	if (!from)
		return 0;
	if (s->compat)
		return uread32(from) * 1000000000ULL + uread32(from + 4);
	return uread64(from) * 1000000000ULL + uread64(from + 8);
}
