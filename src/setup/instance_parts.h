/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of instances share. */
#ifndef WEIR_SETUP_INSTANCE_PARTS_H
#define WEIR_SETUP_INSTANCE_PARTS_H

#include "setup/instance.h"

#define INSTANCE_BPF	"/sys/fs/bpf"
#define INSTANCE_FOLDER INSTANCE_BPF "/weir"
/* Octets of a name at most. */
#define INSTANCE_NAME	64

/* A process and when it began; and the process of that word, 0 where it lives no more. */
guint64 process_word(pid_t pid);
pid_t process_of(guint64 word);

#endif
