/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Parameters that only one or two events have. */

static __always_inline u32 translate_open(u64 flags)
{
	return translate_open_access(flags) | translate_open_flags(flags);
}

static __always_inline u64 put_kernel_string(struct scratch *s, u64 pos, int i, u64 from)
{
	long got = from ? bpf_probe_read_kernel_str(s->block + pos, STRING_MAX, (void *)from) : 0;
	u64 n = got > 0 ? got : 0;
	BOUND(n, STRING_MAX);
	set_length(s->block, i, n);
	return pos + n;
}

/* ---- ptrace: one byte says which kind of value, then the value ------------------------------ */

enum { PTRACE_VALUE_U64, PTRACE_VALUE_SIGNAL };

static __always_inline u64 put_ptrace_address(struct scratch *s, u64 pos, int i, u64 address)
{
	u8 *b = s->block + pos;
	b[0] = PTRACE_VALUE_U64;
	*(u64 *)(b + 1) = address;
	set_length(s->block, i, 9);
	return pos + 9;
}

/* Peeking calls return their value through the pointer, resuming calls name a signal. */
static __always_inline u64 put_ptrace_data(struct scratch *s, u64 pos, int i, u64 request, u64 data)
{
	u8 *b = s->block + pos;
	u64 length = 9;
	request = (u32)request;
	if (request == 7 || request == 9 || request == 17 || request == 24) {
		b[0] = PTRACE_VALUE_SIGNAL;
		b[1] = data;
		length = 2;
	} else {
		b[0] = PTRACE_VALUE_U64;
		*(u64 *)(b + 1) = request >= 1 && request <= 3 ? uread64(data) : data;
	}
	BOUND(length, 9);
	set_length(s->block, i, length);
	return pos + length;
}

/* ---- prctl ---------------------------------------------------------------------------------- */

#define PR_SET_NAME 15
#define PR_GET_NAME 16
#define PR_GET_CHILD_SUBREAPER 37

static __always_inline u64 put_prctl_string(struct scratch *s, u64 pos, int i, u64 option, u64 value)
{
	option = (u32)option;
	return put_user_string(s, pos, i, option == PR_SET_NAME || option == PR_GET_NAME ? value : 0);
}

static __always_inline u64 prctl_number(u64 option, u64 value)
{
	option = (u32)option;
	if (option == PR_SET_NAME || option == PR_GET_NAME)
		return 0;
	return option == PR_GET_CHILD_SUBREAPER ? (u64)(s64)(s32)uread32(value) : value;
}

/* ---- quotactl ------------------------------------------------------------------------------- */

#define QUOTA_ON 0x800002
#define QUOTA_GET_FORMAT 0x800004
#define QUOTA_GET_INFO 0x800005
#define QUOTA_SET_INFO 0x800006
#define QUOTA_GET 0x800007
#define QUOTA_SET 0x800008

/* The twelve values quotactl passes through memory: two paths, struct if_dqblk, struct if_dqinfo. */
static __always_inline u64 put_quota(struct scratch *s, u64 pos, int i)
{
	u64 command = (u32)s->args[0] >> 8, at = s->args[3];
	u64 block = command == QUOTA_GET || command == QUOTA_SET ? at : 0;
	u64 info = command == QUOTA_GET_INFO || command == QUOTA_SET_INFO ? at : 0;
	pos = put_user_string(s, pos, i, s->args[1]);
	pos = put_user_string(s, pos, i + 1, command == QUOTA_ON ? at : 0);
	pos = put_64(s, pos, i + 2, block ? uread64(block) : 0);           /* hard block limit */
	pos = put_64(s, pos, i + 3, block ? uread64(block + 8) : 0);       /* soft block limit */
	pos = put_64(s, pos, i + 4, block ? uread64(block + 16) : 0);      /* space */
	pos = put_64(s, pos, i + 5, block ? uread64(block + 24) : 0);      /* hard inode limit */
	pos = put_64(s, pos, i + 6, block ? uread64(block + 32) : 0);      /* soft inode limit */
	pos = put_64(s, pos, i + 7, block ? uread64(block + 48) : 0);      /* block time limit */
	pos = put_64(s, pos, i + 8, block ? uread64(block + 56) : 0);      /* inode time limit */
	pos = put_64(s, pos, i + 9, info ? uread64(info) : 0);             /* block grace */
	pos = put_64(s, pos, i + 10, info ? uread64(info + 8) : 0);        /* inode grace */
	pos = put_8(s, pos, i + 11, info ? uread32(info + 16) : 0);        /* flags */
	return put_8(s, pos, i + 12, command == QUOTA_GET_FORMAT ? translate_quota_format(uread32(at)) : 1);
}

/* ---- signals and faults --------------------------------------------------------------------- */

#define SIGNAL_NO_INFO 0
#define SIGNAL_PRIVILEGED 1
#define SIGNAL_CHILD 17
#define SIGNAL_CODE_USER 0
#define SIGNAL_CODE_KERNEL 0x80
#define SIGNAL_CODE_TIMER (-2)

/* The sender of a signal; 0 for the kernel. */
static __always_inline s64 signal_sender(u64 info)
{
	s32 number, code;
	if (info == SIGNAL_NO_INFO || info == SIGNAL_PRIVILEGED)
		return 0;
	number = kread32(info, O_SIGINFO_NUMBER);
	code = kread32(info, O_SIGINFO_CODE);
	if (number != SIGNAL_CHILD && (code > SIGNAL_CODE_USER || code == SIGNAL_CODE_TIMER))
		return 0;
	return (s64)(s32)kread32(info, O_SIGINFO_PID);
}

/* Each bit of the hardware's error code has an opposite with a name of its own. */
static __always_inline u32 fault_error(u64 error)
{
	return translate_page_fault_error(error) | (error & 1 ? 0 : 2) | (error & 2 ? 0 : 8) |
	       (error & 4 ? 0 : 32);
}
