/** Changes the limits of a container, running or not. */
import { availableParallelism } from 'node:os';
import type { ResourceSettings } from '../container-settings.ts';
import { isLive } from '../lifecycle.ts';
import { cgroupsPathOf, type EngineParts, eventAttributes, findContainer } from '../parts.ts';
import { checkResources, toOciResources } from '../resources.ts';

/** `change` gets the limits as they are and gives them as they shall be. Nothing is changed when the kernel refuses. */
export async function updateContainer(
  parts: EngineParts,
  reference: string,
  change: (before: ResourceSettings) => ResourceSettings,
): Promise<void> {
  const { id } = findContainer(parts, reference);
  await parts.locks.run(id, async () => {
    const record = findContainer(parts, id);
    const { host } = record.settings;
    const resources = change(host.resources);
    checkResources(resources, availableParallelism());
    if (isLive(record.status)) {
      const { devices: _, ...limits } = toOciResources(resources, []);
      await parts.runtime.update(cgroupsPathOf(parts.options, record), limits);
    }
    parts.containers.put({ ...record, settings: { ...record.settings, host: { ...host, resources } } });
    parts.events.emit('container', 'update', id, eventAttributes(record));
  });
}
