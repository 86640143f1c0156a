/** What happens when a container's process has ended: record first, tell, then clean up. */
import { rmSync } from 'node:fs';
import { formatTimeNs } from '#base';
import type { ProcessExit } from '#runtime';
import { next } from '../lifecycle.ts';
import { cgroupsPathOf, type EngineParts, eventAttributes, runDirectoryOf } from '../parts.ts';

/** `told` is called as soon as the record is right. Cleaning up comes after. */
export async function recordExit(parts: EngineParts, id: string, exit: ProcessExit, told: () => void): Promise<void> {
  const before = parts.containers.get(id);
  if (!before) return;
  // A container being removed by force keeps that state; its process is gone all the same.
  const status = before.status === 'removing' ? before.status : next(id, before.status, 'exit');
  const { process: _, ...rest } = before;
  const oomKilled = exit.oomKills > 0;
  const record = {
    ...rest,
    status,
    exit: { code: exit.code, finishedAt: formatTimeNs(exit.timeNs), oomKilled },
  };
  parts.containers.put(record);
  told();
  parts.events.emit('container', 'die', id, { ...eventAttributes(record), exitCode: String(exit.code) });

  await parts.runtime.removeCgroup(cgroupsPathOf(parts.options, record));
  rmSync(runDirectoryOf(parts.options, id), { recursive: true, force: true });
}
