/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Socket addresses, the two ends of a socket, messages and socket options. */

#define FAMILY_UNIX 1
#define FAMILY_INET 2
#define FAMILY_INET6 10
#define UNIX_PATH_MAX 108
#define MODE_TYPE 0170000
#define MODE_SOCKET 0140000
#define SOCKADDR_MAX 128

enum { OUTBOUND, INBOUND }; /* which end is the source: ours, or the other */

static __always_inline u16 swap16(u16 v)
{
	return v << 8 | v >> 8;
}

/* The struct sock behind a descriptor; 0 when it is no socket. */
static __always_inline u64 sock_of_file(u64 file)
{
	u64 inode = file_inode(file);
	if (!inode || (kread16(inode, O_INODE_MODE) & MODE_TYPE) != MODE_SOCKET)
		return 0;
	return kread64(kread64(file, O_FILE_PRIVATE), O_SOCKET_SK);
}

static __always_inline u64 sock_of(u64 number)
{
	return sock_of_file(file_of(task_now(), number));
}

/* Snaplen for data that goes through a descriptor: sockets and files may have different ones. */
static __always_inline u64 snaplen_of(u64 number)
{
	if (config_has(FLAG_SNAP_BY_KIND) && sock_of(number))
		return snaplen(SNAP_NET);
	return snaplen(SNAP_FILE);
}

/* An address as the caller gave it: family, then address and port, or path. */
struct user_address {
	u16 family;
	u16 port; /* network order */
	u8 address[16];
	u8 rest[112];
} __attribute__((packed));

/*
 * Writes a path of a unix socket with its NUL; the NUL that starts an abstract name becomes '@'.
 * DIFFERENCE(libs 0.25-dev): such names stand there without a sign.
 */
static __always_inline u64 finish_unix_path(struct scratch *s, u64 at, u64 length)
{
	u8 *b = s->block;
	if (length > 0 && length <= UNIX_PATH_MAX && b[at] == 0 && length > 1)
		b[at] = '@';
	BOUND(length, UNIX_PATH_MAX);
	b[at + length] = 0;
	return length;
}

/* The path in a struct unix_address, with its NUL. */
static __always_inline u64 copy_unix_path(struct scratch *s, u64 at, u64 unix_sock)
{
	u64 address = kread64(unix_sock, O_UNIX_ADDR), length;
	u8 *b = s->block;
	b[at] = 0;
	if (!address)
		return 1;
	length = kread32(address, O_UNIX_ADDRESS_LEN);
	length = length > 2 ? length - 2 : 0;
	BOUND(length, UNIX_PATH_MAX);
	if (bpf_probe_read_kernel(b + at, length, (void *)(address + O_UNIX_ADDRESS_NAME + 2)))
		length = 0;
	if (length && b[at]) {
		/* a file name: the kernel keeps its NUL inside the length or not at all */
		long got;
		b[at + length] = 0;
		got = bpf_probe_read_kernel_str(b + at, UNIX_PATH_MAX,
						(void *)(address + O_UNIX_ADDRESS_NAME + 2));
		length = got > 0 ? got : 1;
		BOUND(length, UNIX_PATH_MAX);
		return length;
	}
	length = finish_unix_path(s, at, length);
	return length + 1;
}

/* The path in a struct sockaddr_un of the caller, with its NUL. */
static __always_inline u64 copy_user_unix_path(struct scratch *s, u64 at, u64 from, u64 length)
{
	u8 *b = s->block, first = 0;
	length = length > 2 ? length - 2 : 0;
	BOUND(length, UNIX_PATH_MAX);
	b[at] = 0;
	bpf_probe_read_user(&first, 1, (void *)(from + 2));
	if (first) {
		long got = bpf_probe_read_user_str(b + at, length + 1, (void *)(from + 2));
		u64 n = got > 0 ? got : 1;
		BOUND(n, UNIX_PATH_MAX + 1);
		return n;
	}
	if (length && bpf_probe_read_user(b + at, length, (void *)(from + 2)))
		length = 0;
	length = finish_unix_path(s, at, length);
	return length + 1;
}

/* A socket address of the caller in the layout of the format. */
static __always_inline u64 put_user_sockaddr(struct scratch *s, u64 pos, int i, u64 from, u64 size)
{
	u8 *b = s->block;
	u64 length = 0, at;
	u16 family = 0, port = 0;
	size = (u32)size;
	if (from && size >= 2 && size <= SOCKADDR_MAX) {
		if (bpf_probe_read_user(&family, 2, (void *)from)) {
			mark_unreadable(s, i);
			goto out;
		}
		b[pos] = family;
		length = 1;
		if (family == FAMILY_UNIX) {
			length = 1 + copy_user_unix_path(s, pos + 1, from, size);
		} else if (family == FAMILY_INET && size >= 8) {
			bpf_probe_read_user(&port, 2, (void *)(from + 2));
			bpf_probe_read_user(b + pos + 1, 4, (void *)(from + 4));
			*(u16 *)(b + pos + 5) = swap16(port);
			length = 7;
		} else if (family == FAMILY_INET6 && size >= 24) {
			bpf_probe_read_user(&port, 2, (void *)(from + 2));
			bpf_probe_read_user(b + pos + 1, 16, (void *)(from + 8));
			*(u16 *)(b + pos + 17) = swap16(port);
			length = 19;
		}
	}
out:
	BOUND(length, UNIX_PATH_MAX + 2);
	set_length(b, i, length);
	return pos + length;
}

struct ends4 {
	u32 local, remote;
	u16 local_port, remote_port; /* host order */
};

/* Fills in the remote end from the address of the call when the socket has none of its own. */
static __always_inline void ends4_from_user(struct ends4 *e, u64 from, u64 size)
{
	u16 family = 0, port = 0;
	if (!from || size < 8 || e->remote_port)
		return;
	bpf_probe_read_user(&family, 2, (void *)from);
	if (family != FAMILY_INET)
		return;
	bpf_probe_read_user(&port, 2, (void *)(from + 2));
	bpf_probe_read_user(&e->remote, 4, (void *)(from + 4));
	e->remote_port = swap16(port);
}

static __always_inline u64 copy_tuple4(struct scratch *s, u64 at, u64 sk, int inbound, u64 from,
				       u64 size)
{
	u8 *b = s->block;
	struct ends4 e = {
		.local = kread32(sk, O_INET_SADDR),
		.remote = kread32(sk, O_SK_DADDR),
		.local_port = swap16(kread16(sk, O_INET_SPORT)),
		.remote_port = swap16(kread16(sk, O_SK_DPORT)),
	};
	ends4_from_user(&e, from, size);
	*(u32 *)(b + at) = inbound ? e.remote : e.local;
	*(u16 *)(b + at + 4) = inbound ? e.remote_port : e.local_port;
	*(u32 *)(b + at + 6) = inbound ? e.local : e.remote;
	*(u16 *)(b + at + 10) = inbound ? e.local_port : e.remote_port;
	return 12;
}

/* The remote end of an IPv6 socket: its own, else the address of the call. */
static __always_inline u16 copy_remote6(u8 *to, u64 sk, u64 from, u64 size)
{
	u16 port = swap16(kread16(sk, O_SK_DPORT)), family = 0;
	bpf_probe_read_kernel(to, 16, (void *)(sk + O_SK_V6_DADDR));
	if (port || !from || size < 24)
		return port;
	bpf_probe_read_user(&family, 2, (void *)from);
	if (family != FAMILY_INET6)
		return port;
	bpf_probe_read_user(&port, 2, (void *)(from + 2));
	bpf_probe_read_user(to, 16, (void *)(from + 8));
	return swap16(port);
}

static __always_inline u64 copy_tuple6(struct scratch *s, u64 at, u64 sk, int inbound, u64 from,
				       u64 size)
{
	u8 *local = s->block + at + (inbound ? 18 : 0), *remote = s->block + at + (inbound ? 0 : 18);
	u64 info = kread64(sk, O_INET_PINET6);
	if (!info || bpf_probe_read_kernel(local, 16, (void *)(info + O_PINET6_SADDR)))
		bpf_probe_read_kernel(local, 16, (void *)(sk + O_SK_V6_RCV_SADDR));
	*(u16 *)(local + 16) = swap16(kread16(sk, O_INET_SPORT));
	*(u16 *)(remote + 16) = copy_remote6(remote, sk, from, size);
	return 36;
}

static __always_inline u64 copy_tuple_unix(struct scratch *s, u64 at, u64 sk, int inbound, u64 from,
					   u64 size)
{
	u8 *b = s->block;
	u64 peer = kread64(sk, O_UNIX_PEER), length;
	*(u64 *)(b + at) = inbound ? peer : sk;
	*(u64 *)(b + at + 8) = inbound ? sk : peer;
	length = copy_unix_path(s, at + 16, inbound || !peer ? sk : peer);
	BOUND(length, UNIX_PATH_MAX + 1);
	if (length <= 1 && from && size > 2)
		length = copy_user_unix_path(s, at + 16, from, size);
	BOUND(length, UNIX_PATH_MAX + 1);
	return 16 + length;
}

/* Both ends of a socket; `from` is the address the call named, if any. */
static __always_inline u64 put_sock_tuple(struct scratch *s, u64 pos, int i, u64 sk, int inbound,
					  u64 from, u64 size)
{
	u8 *b = s->block;
	u64 length = 0;
	u16 family = sk ? kread16(sk, O_SK_FAMILY) : 0;
	size = (u32)size;
	if (size > SOCKADDR_MAX)
		size = 0;
	if (family == FAMILY_INET)
		length = copy_tuple4(s, pos + 1, sk, inbound, from, size);
	else if (family == FAMILY_INET6)
		length = copy_tuple6(s, pos + 1, sk, inbound, from, size);
	else if (family == FAMILY_UNIX)
		length = copy_tuple_unix(s, pos + 1, sk, inbound, from, size);
	if (length) {
		b[pos] = family;
		length++;
	}
	BOUND(length, 18 + UNIX_PATH_MAX);
	set_length(b, i, length);
	return pos + length;
}

static __always_inline u64 put_tuple(struct scratch *s, u64 pos, int i, int when, u64 number,
				     int inbound, u64 from, u64 size)
{
	return put_sock_tuple(s, pos, i, when ? sock_of(number) : 0, inbound, from, size);
}

/* ---- listening queue ----------------------------------------------------------------------- */

static __always_inline u32 queue_length(u64 number)
{
	u64 sk = sock_of(number);
	return sk ? kread32(sk, O_SK_ACK_BACKLOG) : 0;
}

static __always_inline u32 queue_max(u64 number)
{
	u64 sk = sock_of(number);
	return sk ? kread32(sk, O_SK_MAX_ACK_BACKLOG) : 0;
}

static __always_inline u8 queue_percent(u64 number)
{
	u64 length = queue_length(number), max = queue_max(number);
	return max ? length * 100 / max : 0;
}

/* ---- messages ------------------------------------------------------------------------------ */

/* struct msghdr of a caller, 64 and 32 bit. */
struct message {
	u64 name, name_length, vectors, count, control, control_length;
};

static __always_inline void message_read(struct scratch *s, struct message *m, u64 from)
{
	if (s->compat) {
		m->name = uread32(from);
		m->name_length = uread32(from + 4);
		m->vectors = uread32(from + 8);
		m->count = uread32(from + 12);
		m->control = uread32(from + 16);
		m->control_length = uread32(from + 20);
		return;
	}
	if (bpf_probe_read_user(m, sizeof(*m), (void *)from))
		m->count = m->name = m->control = 0;
	m->name_length = (u32)m->name_length;
}

static __always_inline u64 message_total(struct scratch *s, u64 from)
{
	struct message m = {};
	message_read(s, &m, from);
	return vector_total(s, m.vectors, m.count);
}

static __always_inline u64 put_message_bytes(struct scratch *s, u64 pos, int i, u64 from, s64 length,
					     u64 snap)
{
	struct message m = {};
	message_read(s, &m, from);
	return put_vector_bytes(s, pos, i, m.vectors, m.count, length, snap);
}

static __always_inline u64 put_message_control(struct scratch *s, u64 pos, int i, int when, u64 from,
					       u64 snap)
{
	struct message m = {};
	message_read(s, &m, from);
	return put_user_bytes(s, pos, i, m.control, when ? (s64)m.control_length : -1,
			      snap < STRING_MAX ? snap : STRING_MAX);
}

static __always_inline u64 put_message_tuple(struct scratch *s, u64 pos, int i, int when, u64 number,
					     int inbound, u64 from)
{
	struct message m = {};
	message_read(s, &m, from);
	return put_sock_tuple(s, pos, i, when ? sock_of(number) : 0, inbound, m.name, m.name_length);
}

/* ---- socket options ------------------------------------------------------------------------ */

#define LEVEL_SOCKET 1
#define OPTION_SO_ERROR 4
#define OPTION_SO_RCVTIMEO 20
#define OPTION_SO_SNDTIMEO 21
#define OPTION_SO_COOKIE 57

enum { VALUE_BYTES, VALUE_ERRNO, VALUE_U32, VALUE_U64, VALUE_TIME };

static __always_inline u64 timeval_ns(u64 from)
{
	return uread64(from) * 1000000000ULL + uread64(from + 8) * 1000;
}

/* The value of a socket option: one byte says which kind, then the value. */
static __always_inline u64 put_option_value(struct scratch *s, u64 pos, int i, int when, u64 level,
					    u64 name, u64 from, u64 size)
{
	u8 *b = s->block;
	u64 length = 0;
	size = (u32)size;
	level = (u32)level;
	name = (u32)name;
	if (!when || !from)
		goto out;
	if (level == LEVEL_SOCKET && name < 64 && SOCKOPT_IS_U32 >> name & 1) {
		b[pos] = VALUE_U32;
		*(u32 *)(b + pos + 1) = uread32(from);
		length = 5;
	} else if (level == LEVEL_SOCKET && name == OPTION_SO_ERROR) {
		b[pos] = VALUE_ERRNO;
		*(s64 *)(b + pos + 1) = -(s64)(s32)uread32(from);
		length = 9;
	} else if (level == LEVEL_SOCKET && (name == OPTION_SO_RCVTIMEO || name == OPTION_SO_SNDTIMEO)) {
		b[pos] = VALUE_TIME;
		*(u64 *)(b + pos + 1) = timeval_ns(from);
		length = 9;
	} else if (level == LEVEL_SOCKET && name == OPTION_SO_COOKIE) {
		b[pos] = VALUE_U64;
		*(u64 *)(b + pos + 1) = uread64(from);
		length = 9;
	} else {
		u64 limit = snaplen(SNAP_OTHER);
		if (size > limit)
			size = limit;
		BOUND(size, DATA_MAX);
		b[pos] = VALUE_BYTES;
		if (size && bpf_probe_read_user(b + pos + 1, size, (void *)from)) {
			mark_unreadable(s, i);
			size = 0;
		}
		BOUND(size, DATA_MAX);
		length = size + 1;
	}
out:
	BOUND(length, DATA_MAX + 1);
	set_length(b, i, length);
	return pos + length;
}
