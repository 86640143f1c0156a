/** Freezes a container's processes and lets them go on. */
import { next } from '../lifecycle.ts';
import { cgroupsPathOf, type EngineParts, eventAttributes, findContainer } from '../parts.ts';

/** Throws `container.notRunning` and `container.alreadyPaused`. */
export async function pauseContainer(parts: EngineParts, reference: string): Promise<void> {
  const { id } = findContainer(parts, reference);
  await parts.locks.run(id, async () => {
    const record = findContainer(parts, id);
    next(id, record.status, 'pause');
    const path = cgroupsPathOf(parts.options, record);
    let failure: unknown;
    await parts.runtime.freeze(path).catch((error: unknown) => (failure = error));
    // A health check may have had a result meanwhile, or the container its end.
    const now = findContainer(parts, id);
    if (now.status !== record.status) parts.runtime.thaw(path);
    const status = next(id, now.status, 'pause');
    if (failure) throw failure;
    parts.containers.put({ ...now, status });
    parts.events.emit('container', 'pause', id, eventAttributes(record));
  });
}

/** Throws `container.notPaused`. */
export async function unpauseContainer(parts: EngineParts, reference: string): Promise<void> {
  const { id } = findContainer(parts, reference);
  await parts.locks.run(id, async () => {
    const record = findContainer(parts, id);
    const status = next(id, record.status, 'unpause');
    parts.runtime.thaw(cgroupsPathOf(parts.options, record));
    parts.containers.put({ ...record, status });
    parts.events.emit('container', 'unpause', id, eventAttributes(record));
  });
}
