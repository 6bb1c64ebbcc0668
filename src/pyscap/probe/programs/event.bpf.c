/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What every program shares: the maps, the scratch memory of a CPU, and the writer of one event block.
 *
 * An event is built in the scratch memory in the layout of the capture file:
 *   u32 type, u32 total_length, u16 cpu,
 *   u64 ts_ns, u64 tid, u32 len, u16 code, u32 nparams, u16 length[nparams], parameters,
 *   padding to 4, [options], u32 total_length
 * and then handed to the ring of this CPU as it is.
 *
 * Positions are byte offsets from the start of the block. A position only ever grows by amounts
 * that are bounded here, so that the verifier can add them up; the generator proves that the sum
 * over all parameters of an event fits BLOCK_ROOM.
 */

#define BLOCK_TYPE 0x216
#define AT_TOTAL 4
#define AT_CPU 8
#define AT_TS 10
#define AT_TID 18
#define AT_LEN 26
#define AT_CODE 30
#define AT_NPARAMS 32
#define AT_LENGTHS 36
#define EVENT_START 10
#define MAX_BLOCK 65536
#define BLOCK_ROOM 0x24000

#define STRING_MAX 4096
#define DATA_MAX 65000

enum { SNAP_FILE, SNAP_NET, SNAP_EXEC, SNAP_OTHER, SNAP_KINDS };

struct config {
	u64 boot_offset_ns; /* epoch minus boot time */
	u32 self_tgid;
	u32 snaplen[SNAP_KINDS];
	u32 flags; /* FLAG_*, which filters and options are in use */
	u32 wanted_pid; /* what find_pid looks for */
};

struct counters {
	u64 produced;
	u64 delivered;
	u64 filtered;
	u64 dropped_ring_full;
	u64 dropped_too_big;
	u64 dropped_scratch;
	u64 dropped_no_program;
};

struct syscall_entry {
	u16 code;    /* exit event; 0: never reported */
	u16 ppm_sc;  /* the format's number of the call */
	u16 program; /* slot of the program that writes the event */
	u8 skip_zero; /* success, or the new task's side, is written from another tracepoint */
	u8 state;    /* the state needs it, whatever the process filter says */
};

struct scratch {
	u32 busy;
	u32 nr;
	s64 ret;
	u64 args[6];
	u64 entered_ns;
	u64 unreadable; /* bit i: the memory of parameter i could not be read */
	u64 spill; /* see BOUND */
	u64 part[64];
	u32 parts;
	u32 program; /* slot of the running program */
	u32 message; /* for calls with several messages: which one */
	u16 code;
	u16 ppm_sc;
	u16 cpu;
	u8 compat;
	u8 pad[3]; /* the block starts at 8k+6: its time stamp is aligned */
	u8 block[BLOCK_ROOM];
};

BPF_ARRAY(config_map, struct config, 1);
BPF_ARRAY(syscall_map, struct syscall_entry, 512);
BPF_ARRAY(scratch_map, struct scratch, NR_CPUS);
BPF_PERCPU_ARRAY(counter_map, struct counters, 2);
BPF_PROG_ARRAY(programs, NR_PROGRAMS);

#ifdef SHARED_RING
BPF_RINGBUF_OUTPUT(ring, 1);
static __always_inline long deliver(u32 cpu, void *data, u64 size)
{
	return ring.ringbuf_output(data, size, BPF_RB_NO_WAKEUP);
}
#else
BPF_RINGBUF_OUTPUT(ring, 1);
BPF_ARRAY_OF_MAPS(rings, "ring", NR_CPUS);
static __always_inline long deliver(u32 cpu, void *data, u64 size)
{
	int slot = cpu;
	void *own = rings.lookup(&slot);
	if (!own)
		return -1;
	return bpf_ringbuf_output(own, data, size, BPF_RB_NO_WAKEUP);
}
#endif

/*
 * Keeps `v` at or below `max`. The way through memory makes the verifier forget what it knows of the
 * value, the mask tells it the one thing it needs: paths that differ only in a length become equal
 * and are walked once. The mask is the next power of two, so it never changes a value.
 */
#define MASK_FOR(max) ((1ULL << (64 - __builtin_clzll(max))) - 1)
#define BOUND(v, max)                                                        \
	do {                                                                 \
		if (v > (max))                                               \
			v = (max);                                           \
		asm volatile("*(u64 *)(%1 + 0) = %0\n"                       \
			     "%0 = *(u64 *)(%1 + 0)\n"                       \
			     "%0 &= %2"                                      \
			     : "+r"(v)                                       \
			     : "r"(&s->spill), "i"(MASK_FOR(max))            \
			     : "memory");                                    \
	} while (0)

static __always_inline struct counters *counters_of(int slot)
{
	return counter_map.lookup(&slot);
}

static __always_inline struct config *config_get(void)
{
	int zero = 0;
	return config_map.lookup(&zero);
}

static __always_inline u32 config_has(u32 flag)
{
	struct config *cfg = config_get();
	return cfg ? cfg->flags & flag : 0;
}

static __always_inline struct scratch *scratch_get(void)
{
	int cpu = bpf_get_smp_processor_id();
	return scratch_map.lookup(&cpu);
}

/* Takes the scratch memory of this CPU; null while another program on it is at work. */
static __always_inline struct scratch *scratch_take(void)
{
	struct scratch *s = scratch_get();
	if (!s || s->busy)
		return 0;
	s->busy = 1;
	s->cpu = bpf_get_smp_processor_id();
	s->unreadable = 0;
	s->entered_ns = 0;
	return s;
}

static __always_inline u64 kread64(u64 from, u64 at)
{
	u64 v = 0;
	bpf_probe_read_kernel(&v, sizeof(v), (void *)(from + at));
	return v;
}

static __always_inline u32 kread32(u64 from, u64 at)
{
	u32 v = 0;
	bpf_probe_read_kernel(&v, sizeof(v), (void *)(from + at));
	return v;
}

static __always_inline u16 kread16(u64 from, u64 at)
{
	u16 v = 0;
	bpf_probe_read_kernel(&v, sizeof(v), (void *)(from + at));
	return v;
}

static __always_inline u8 kread8(u64 from, u64 at)
{
	u8 v = 0;
	bpf_probe_read_kernel(&v, sizeof(v), (void *)(from + at));
	return v;
}

static __always_inline u64 uread64(u64 from)
{
	u64 v = 0;
	bpf_probe_read_user(&v, sizeof(v), (void *)from);
	return v;
}

static __always_inline u32 uread32(u64 from)
{
	u32 v = 0;
	bpf_probe_read_user(&v, sizeof(v), (void *)from);
	return v;
}

/* ---- the writer ---------------------------------------------------------------------------- */

static __always_inline void set_length(u8 *b, int i, u64 length)
{
	*(u16 *)(b + AT_LENGTHS + 2 * i) = length;
}

/* Writes the head of an event with `nparams` parameters; returns the position of the first. */
static __always_inline u64 begin(struct scratch *s, u64 tid, int nparams)
{
	struct config *cfg = config_get();
	u8 *b = s->block;
	*(u32 *)b = BLOCK_TYPE;
	*(u16 *)(b + AT_CPU) = s->cpu;
	*(u64 *)(b + AT_TS) = bpf_ktime_get_boot_ns() + (cfg ? cfg->boot_offset_ns : 0);
	*(u64 *)(b + AT_TID) = tid;
	*(u16 *)(b + AT_CODE) = s->code;
	*(u32 *)(b + AT_NPARAMS) = nparams;
	return AT_LENGTHS + 2 * nparams;
}

/* Appends an option of ours; returns the position after it. */
static __always_inline u64 option(u8 *b, u64 at, u32 kind, u64 value)
{
	*(u32 *)(b + at) = OPTION_CUSTOM | 16 << 16;
	*(u32 *)(b + at + 4) = OPTION_OWNER;
	*(u32 *)(b + at + 8) = kind;
	*(u64 *)(b + at + 12) = value;
	return at + 20;
}

/* Appends the options of the block; every reader that does not know them skips them. */
static __always_inline u64 options(struct scratch *s, u8 *b, u64 at)
{
	u64 start = at;

	if (s->entered_ns)
		at = option(b, at, OPTION_DURATION, bpf_ktime_get_boot_ns() - s->entered_ns);
	if (s->unreadable)
		at = option(b, at, OPTION_UNREADABLE, s->unreadable);
	if (at != start) {
		*(u32 *)(b + at) = 0;
		at += 4;
	}
	return at;
}

/* Hands over the block whose last length belongs at `pos`. */
static __always_inline void send_block(struct scratch *s, u64 pos)
{
	struct counters *c = counters_of(0);
	u8 *b = s->block;
	u64 total = pos + 4;
	*(u32 *)(b + pos) = total;
	*(u32 *)(b + AT_TOTAL) = total;
	if (!c)
		return;
	if (total > MAX_BLOCK) {
		c->dropped_too_big++;
		return;
	}
	BOUND(total, MAX_BLOCK);
	if (deliver(s->cpu, b, total))
		c->dropped_ring_full++;
	else
		c->delivered++;
}

/* Closes the event that ends at `pos` and hands its block over. */
static __always_inline void emit(struct scratch *s, u64 pos)
{
	u8 *b = s->block;
	BOUND(pos, 0x1ffff);
	*(u32 *)(b + AT_LEN) = pos - EVENT_START;
	*(u32 *)(b + pos) = 0;
	pos = (pos + 3) & ~3ULL;
	send_block(s, options(s, b, pos));
}

/* The last step of a program: the scratch memory is free afterwards. */
static __always_inline int finish(struct scratch *s, u64 pos)
{
	emit(s, pos);
	s->busy = 0;
	return 0;
}

/* One more event of a call that is written as several. */
static __always_inline void count_another(void)
{
	struct counters *c = counters_of(0);
	if (c)
		c->produced++;
}

static __always_inline u64 put_8(struct scratch *s, u64 pos, int i, u8 v)
{
	u8 *b = s->block;
	b[pos] = v;
	set_length(b, i, 1);
	return pos + 1;
}

static __always_inline u64 put_16(struct scratch *s, u64 pos, int i, u16 v)
{
	u8 *b = s->block;
	*(u16 *)(b + pos) = v;
	set_length(b, i, 2);
	return pos + 2;
}

static __always_inline u64 put_32(struct scratch *s, u64 pos, int i, u32 v)
{
	u8 *b = s->block;
	*(u32 *)(b + pos) = v;
	set_length(b, i, 4);
	return pos + 4;
}

static __always_inline u64 put_64(struct scratch *s, u64 pos, int i, u64 v)
{
	u8 *b = s->block;
	*(u64 *)(b + pos) = v;
	set_length(b, i, 8);
	return pos + 8;
}

static __always_inline u64 put_empty(struct scratch *s, u64 pos, int i)
{
	set_length(s->block, i, 0);
	return pos;
}

static __always_inline void mark_unreadable(struct scratch *s, int i)
{
	s->unreadable |= 1ULL << i;
}

/* A string of the caller, with its NUL. A null pointer gives an empty parameter. */
static __always_inline u64 put_user_string(struct scratch *s, u64 pos, int i, u64 from)
{
	u8 *b = s->block;
	u64 n = 0;
	if (from) {
		long got = bpf_probe_read_user_str(b + pos, STRING_MAX, (void *)from);
		if (got > 0)
			n = got;
		else
			mark_unreadable(s, i);
	}
	BOUND(n, STRING_MAX);
	set_length(b, i, n);
	return pos + n;
}

/* At most `snap` of `length` bytes of the caller. A negative length gives an empty parameter. */
static __always_inline u64 put_user_bytes(struct scratch *s, u64 pos, int i, u64 from, s64 length,
					  u64 snap)
{
	u8 *b = s->block;
	u64 n = length > 0 ? length : 0;
	if (n > snap)
		n = snap;
	BOUND(n, DATA_MAX);
	if (n && bpf_probe_read_user(b + pos, n, (void *)from)) {
		mark_unreadable(s, i);
		n = 0;
	}
	BOUND(n, DATA_MAX);
	set_length(b, i, n);
	return pos + n;
}

static __always_inline u64 snaplen(int kind)
{
	struct config *cfg = config_get();
	return cfg ? cfg->snaplen[kind] : 0;
}
