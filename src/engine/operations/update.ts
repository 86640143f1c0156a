/** Changes the limits and the restart policy of a container, running or not. */
import { availableParallelism } from 'node:os';
import type { ResourceSettings } from '../container-settings.ts';
import { errors } from '../errors.ts';
import { hasProcess } from '../lifecycle.ts';
import { cgroupsPathOf, type EngineParts, eventAttributes, findContainer } from '../parts.ts';
import { checkResources, toOciResources } from '../resources.ts';
import type { RestartPolicy } from '../restart-policy.ts';

/**
 * `change` gets the limits as they are and gives them as they shall be; without `restart` that policy stays.
 * Nothing is changed when the kernel refuses.
 */
export async function updateContainer(
  parts: EngineParts,
  reference: string,
  change: (before: ResourceSettings) => ResourceSettings,
  restart?: RestartPolicy,
): Promise<void> {
  const { id } = findContainer(parts, reference);
  await parts.locks.run(id, async () => {
    const record = findContainer(parts, id);
    const { host } = record.settings;
    const resources = change(host.resources);
    checkResources(resources, availableParallelism());
    if (host.autoRemove && restart && restart.name !== 'no') throw errors.restartOfAutoRemoved();
    if (hasProcess(record.status)) {
      const { devices: _, ...limits } = toOciResources(withCleared(host.resources, resources), []);
      await parts.runtime.update(cgroupsPathOf(parts.options, record), limits);
    }
    // The container may have ended while the kernel was asked.
    const now = findContainer(parts, id);
    const changed = { ...host, resources, ...(restart ? { restart } : {}) };
    parts.containers.put({ ...now, settings: { ...now.settings, host: changed } });
    parts.events.emit('container', 'update', id, eventAttributes(record));
  });
}

/** For the kernel: devices that are not limited any more have a rate of 0, which takes the limit away. */
function withCleared(before: ResourceSettings, after: ResourceSettings): ResourceSettings {
  const cleared = (key: 'deviceReadBps' | 'deviceWriteBps' | 'deviceReadIops' | 'deviceWriteIops') => [
    ...after[key],
    ...before[key]
      .filter(({ path }) => !after[key].some((rate) => rate.path === path))
      .map(({ path }) => ({ path, rate: 0 })),
  ];
  return {
    ...after,
    deviceReadBps: cleared('deviceReadBps'),
    deviceWriteBps: cleared('deviceWriteBps'),
    deviceReadIops: cleared('deviceReadIops'),
    deviceWriteIops: cleared('deviceWriteIops'),
  };
}
