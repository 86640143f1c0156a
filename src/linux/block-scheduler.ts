/** Which I/O scheduler a block device has (Documentation/block/switching-sched.rst). */
import { readFileSync } from 'node:fs';

/** Such as `mq-deadline` or `none`; undefined where the kernel does not say. A partition has that of its disk. */
export function blockScheduler({
  major,
  minor,
}: {
  readonly major: number;
  readonly minor: number;
}): string | undefined {
  for (const place of ['', '/..']) {
    try {
      const text = readFileSync(`/sys/dev/block/${major}:${minor}${place}/queue/scheduler`, 'utf8');
      return parseScheduler(text);
    } catch {
      // No device of this number, or a partition.
    }
  }
  return undefined;
}

/** `none [mq-deadline] kyber`: the one in brackets, or the only one. */
export function parseScheduler(text: string): string {
  return /\[([^\]]+)\]/.exec(text)?.[1] ?? text.trim();
}
