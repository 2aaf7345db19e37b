/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names of mappings, read at first sight, so that a process that is gone a moment later still has
 * them. A name's id is a hash of what its text is made of, so no state is needed to find it again,
 * and what is renamed has another; its text goes to the collector once, through the ring.
 */
#ifndef FAULTMAP_NAME_BPF_H
#define FAULTMAP_NAME_BPF_H

#include "maps.bpf.h"

/* Directories and mounts between a file and its root: PATH_MAX allows 2,048 of the former. */
#define NAME_MAX_DEPTH 4096
/* Without bpf_loop(): the verifier goes through each step. */
#define NAME_DEPTH_OLD 64
/* include/linux/fs.h: FMODE_BACKING, the file is overlayfs' view of another. Bit 25 in Linux 6.8 to
 * 6.13, bit 24 since; each had other meanings, so is_backing() asks for more. */
#define FMODE_BACKING_BITS 0x3000000u
/* include/linux/mnt_namespace.h: MNT_NS_INTERNAL, ERR_PTR(-EINVAL): a mount that is in no
 * namespace. */
#define MNT_NS_INTERNAL ((u64)-22)

static __always_inline u64 mix(u64 hash, u64 value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

/* A file behind an overlay is in a directory of a layer, and the layer's mount is in no
 * namespace. */
static __always_inline bool is_backing(u64 file, const struct path *path)
{
	struct mount *mount = container_of(path->mnt, struct mount, mnt);

	return bpf_core_type_exists(struct backing_file) &&
	       READ(struct file, file, f_mode) & FMODE_BACKING_BITS &&
	       (u64)BPF_CORE_READ(mount, mnt_ns) == MNT_NS_INTERNAL &&
	       READ(struct dentry, path->dentry, d_parent) != path->dentry;
}

/* Both pointers as plain numbers, to be hashed. */
static __always_inline struct path read_path(const struct path *from)
{
	return (struct path){ .mnt = (void *)read_word((u64)&from->mnt),
			      .dentry = (void *)read_word((u64)&from->dentry) };
}

/* The path that /proc/PID/maps would show: behind an overlay it is the user's. */
static __always_inline struct path file_path(u64 file)
{
	struct path path = read_path(&((struct file *)file)->f_path);

	if (is_backing(file, &path))
		path = read_path(&((struct backing_file *)file)->user_path);
	return path;
}

/* d_unlinked(): not in the directory's hash any more, and not a root. */
static __always_inline bool is_deleted(struct dentry *dentry)
{
	return !READ(struct dentry, dentry, d_hash.pprev) &&
	       READ(struct dentry, dentry, d_parent) != dentry;
}

struct name_walk {
	struct path path;
	struct path root;
	u32 scratch;
	u32 length;
	u32 flags;
	bool is_short; /* only the last component is wanted */
	bool ended;
};

/* One step towards the root; 1 at the end. Reads by copy: every value stays a plain number. */
static long name_step(u32 index, struct name_walk *walk)
{
	struct dentry *dentry = walk->path.dentry;
	struct vfsmount *mnt = walk->path.mnt;
	u32 at = walk->length, scratch = walk->scratch;
	struct name_record *name = bpf_map_lookup_elem(&name_scratch, &scratch);
	long length;

	walk->ended = true;
	if (!name || (dentry == walk->root.dentry && mnt == walk->root.mnt))
		return 1;
	if (dentry == BPF_CORE_READ(mnt, mnt_root)) {
		struct mount *mount = container_of(mnt, struct mount, mnt);
		struct mount *above = BPF_CORE_READ(mount, mnt_parent);

		if (above == mount || !above)
			return 1;
		walk->path.dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		walk->path.mnt = &above->mnt;
		walk->ended = false;
		return 0;
	}
	if (at > NAME_MAX_BYTES - NAME_COMPONENT_MAX || (walk->is_short && at)) {
		walk->flags |= NAME_CUT;
		return 1;
	}
	length = bpf_probe_read_kernel_str(&name->text[at & (NAME_MAX_BYTES - 1)],
					   NAME_COMPONENT_MAX, BPF_CORE_READ(dentry, d_name.name));
	if (length <= 0 || length > NAME_COMPONENT_MAX)
		return 1;
	walk->length = at + length;
	walk->path.dentry = BPF_CORE_READ(dentry, d_parent);
	if (walk->path.dentry == dentry) { /* memfd, SysV, anon_inode: in no directory */
		walk->flags &= ~(u32)NAME_PATH;
		return 1;
	}
	walk->ended = false;
	return 0;
}

/*
 * How much of a name may be sent now. While the ring is more than half full, a path's last
 * component alone goes, so that thousands of names still arrive where whole ones would not. Its
 * last quarter is left to the records of processes that end: those come once.
 */
enum { SEND_NOTHING, SEND_SHORT, SEND_ALL };
static __always_inline u32 ring_room(void)
{
	u64 used = bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA);

	return used > RECORDS_BYTES / 4 * 3 ? SEND_NOTHING :
	       used > RECORDS_BYTES / 2     ? SEND_SHORT :
					      SEND_ALL;
}

/* Sends the record that stands in the scratch; true when the collector will get it. */
static __always_inline bool name_send(struct name_record *name, u64 id, u32 uid, u32 flags,
				      u32 length)
{
	u32 size = NAME_HEADER_SIZE + length;

	name->record.type = RECORD_NAME;
	name->record.size = size;
	name->id = id;
	name->flags = flags;
	name->length = length;
	name->uid = uid;
	/* The compiler knows the bound from the callers and drops the check; a verifier that has
	 * lost sight of it (Linux 6.12) wants to see it on this very register. */
	barrier_var(size);
	if (size > sizeof(*name))
		return false;
	return !bpf_ringbuf_output(&records, name, size, ring_flags());
}

/* Remembers that, with the generation as of before it was sent: the collector's may be younger, not
 * older. */
static __always_inline void name_sent(u64 id, u32 generation)
{
	bpf_map_update_elem(&names_sent, &id, &generation, BPF_ANY);
}

/* True when the name went out, and the collector has it still. The CPU's own memory of the last
 * ones comes first: it is much cheaper, and a process that starts asks for the same few libraries
 * again and again. */
static __always_inline bool is_sent(u64 id)
{
	struct cpu_state *cpu = this_cpu_state();
	u32 slot = id % NAMES_RECENT, generation = names_generation, *sent;

	if (!cpu)
		return false;
	if (cpu->names[slot] == id + generation)
		return true;
	sent = bpf_map_lookup_elem(&names_sent, &id);
	if (!sent || *sent != generation)
		return false;
	cpu->names[slot] = id + generation;
	return true;
}

/* Where the paths of the current process begin. */
static __always_inline struct path root_path(void)
{
	return read_path(&FIELD(untrusted(current_task()), fs)->root);
}

/* Puts the path together that the walk begins at, and sends it. Rename-racy, memory-safe. */
static __always_inline void send_walk(u64 id, struct name_walk *walk)
{
	u32 scratch = walk->scratch, generation = names_generation, room = ring_room();
	struct name_record *name = bpf_map_lookup_elem(&name_scratch, &scratch);

	if (!name || room == SEND_NOTHING)
		return;
	walk->is_short = room == SEND_SHORT;
	if (is_deleted(walk->path.dentry))
		walk->flags |= NAME_DELETED;
#if OLD_KERNEL
	for (u32 i = 0; i < NAME_DEPTH_OLD && !name_step(i, walk); i++)
		;
#else
	bpf_loop(NAME_MAX_DEPTH, name_step, walk, 0);
#endif
	if (!walk->ended)
		walk->flags |= NAME_CUT;
	if (name_send(name, id, bpf_get_current_uid_gid(), walk->flags, walk->length) &&
	    (room == SEND_ALL || !(walk->flags & NAME_CUT))) /* else it is sent again */
		name_sent(id, generation);
}

/* The file's path as the current process sees it. Not static: verified once. */
__weak __noinline int send_path(u64 id, u64 file)
{
	struct name_walk walk = {
		.path = file_path(file),
		.root = root_path(),
		.scratch = SCRATCH_FAULT,
		.flags = NAME_PATH,
	};

	send_walk(id, &walk);
	return 0;
}

struct path_hash {
	u64 dentry;
	u64 mnt;
	u64 mnt_root; /* of mnt */
	struct path root;
	u64 hash;
};

/* What a path is made of at one directory; by one copy where nothing can be read directly. */
struct component {
	u64 parent;
	u64 hash_len;
};
static __always_inline struct component component_of(u64 at)
{
	struct dentry *dentry = (void *)at;
	struct component component = {};

	if (!CAN_READ_DIRECTLY && bpf_core_field_offset(dentry->d_name.hash_len) ==
					  bpf_core_field_offset(dentry->d_parent) + sizeof(u64)) {
		bpf_probe_read_kernel(&component, sizeof(component), &dentry->d_parent);
		return component;
	}
	component.parent = read_word((u64)&dentry->d_parent);
	component.hash_len = READ(struct dentry, dentry, d_name.hash_len);
	return component;
}

/* The way that name_step() takes, without the names themselves. */
static long hash_step(u32 index, struct path_hash *walk)
{
	struct component component;

	if (walk->dentry == (u64)walk->root.dentry && walk->mnt == (u64)walk->root.mnt)
		return 1;
	if (walk->dentry == walk->mnt_root) {
		struct mount *mount = container_of((struct vfsmount *)walk->mnt, struct mount, mnt);
		struct mount *above = (void *)read_word((u64)&mount->mnt_parent);

		if (above == mount || !above)
			return 1;
		walk->dentry = read_word((u64)&mount->mnt_mountpoint);
		walk->mnt = (u64)&above->mnt;
		walk->mnt_root = read_word((u64)&above->mnt.mnt_root);
		return 0;
	}
	component = component_of(walk->dentry);
	walk->hash = mix(mix(walk->hash, walk->dentry), component.hash_len);
	if (component.parent == walk->dentry)
		return 1;
	walk->dentry = component.parent;
	return 0;
}

/*
 * A hash of all that the path's text is made of: of each directory up to the root the dentry, which
 * a rename moves along, and the hash of its name, which a rename changes; mounts by where they are.
 * So a file below a directory that was renamed, or a mount that was moved, has another name, which
 * is sent in its turn.
 */
VERIFIED_ONCE u64 hash_path(u64 file)
{
	struct path path = file_path(file);
	struct path_hash walk = {
		.dentry = (u64)path.dentry,
		.mnt = (u64)path.mnt,
		.mnt_root = read_word((u64)&path.mnt->mnt_root),
		.root = root_path(),
	};

#if OLD_KERNEL
	for (u32 i = 0; i < NAME_DEPTH_OLD && !hash_step(i, &walk); i++)
		;
#else
	bpf_loop(NAME_MAX_DEPTH, hash_step, &walk, 0);
#endif
	return walk.hash;
}

/* The file, its own name, and where its mount is. A mount may be moved, or its memory be another's
 * by now; so may a dentry's. */
VERIFIED_ONCE u64 hash_leaf(u64 file)
{
	struct inode *inode = READ(struct file, file, f_inode);
	struct path path = file_path(file);
	struct mount *mount = container_of(path.mnt, struct mount, mnt);
	u64 hash;

	hash = mix(mix((u64)path.dentry, (u64)path.mnt), (u64)root_path().dentry);
	hash = mix(hash, read_word((u64)&mount->mnt_mountpoint));
	hash = mix(hash, READ(struct dentry, path.dentry, d_name.hash_len));
	return mix(mix(hash, READ(struct inode, inode, i_ino)),
		   (u64)READ(struct inode, inode, i_generation) << 1 | is_deleted(path.dentry));
}

/*
 * The id of the file's name as the current process sees it; sends the text at first sight. The hash
 * of a path that this CPU hashed in the same jiffy (1 to 10 ms) costs nothing more: a program that
 * starts asks for the same few files again and again.
 */
VERIFIED_ONCE u64 name_of_file(u64 file)
{
	struct cpu_state *cpu = this_cpu_state();
	u64 leaf = hash_leaf(file), key = leaf + bpf_jiffies64(), id;
	struct recent_path *recent;

	if (!cpu)
		return 0;
	recent = &cpu->paths[leaf % PATHS_RECENT];
	if (recent->key != key) {
		recent->id = mix(leaf, hash_path(file));
		recent->key = key;
	}
	id = recent->id;
	if (!is_sent(id))
		send_path(id, file);
	return id;
}

/* Of a string with its NUL: anon_vma_names are shorter (ANON_VMA_NAME_MAX_LEN, mm/madvise.c). */
#define STRING_MAX 96

/* The id of a string in the kernel ("[vvar]", an anon_vma_name): a hash of all of it. */
VERIFIED_ONCE u64 name_of_string(u64 string)
{
	u32 zero = 0, generation = names_generation;
	struct name_record *name = bpf_map_lookup_elem(&name_scratch, &zero);
	u64 id = 1, word;
	long length;

	if (!name)
		return 0;
	__builtin_memset(name->text, 0, STRING_MAX);
	length = bpf_probe_read_kernel_str(name->text, STRING_MAX, (void *)string);
	for (u32 i = 0; i < STRING_MAX; i += sizeof(word)) {
		__builtin_memcpy(&word, name->text + i, sizeof(word));
		if (word)
			id = mix(id, word);
	}
	if (length > 0 && length <= STRING_MAX && !is_sent(id) && ring_room() != SEND_NOTHING &&
	    name_send(name, id, bpf_get_current_uid_gid(), 0, length))
		name_sent(id, generation);
	return id;
}

#endif
