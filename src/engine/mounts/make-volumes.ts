/** The volumes a new container has: made where they are not there, and given what its image has in their places. */
import type { ContainerRecord } from '../container-record.ts';
import type { EngineParts } from '../parts.ts';
import { removeQuietly } from './container-volumes.ts';
import { copyUp } from './copy-up.ts';
import { volumePointsOf } from './mount-point.ts';

/** When it fails, those it has made are gone. Throws what `Volumes.create` and `copyUp` throw. */
export async function makeVolumes(parts: EngineParts, record: ContainerRecord): Promise<void> {
  const made: string[] = [];
  try {
    for (const point of volumePointsOf(record)) {
      if (point.borrowed) continue;
      const { setting, name } = point;
      const { labels, driverOptions } = setting;
      const request = { name, driver: setting.driver, labels, options: driverOptions };
      const volume = await parts.volumes.create(request, { anonymous: setting.name === '' });
      if (volume.made) made.push(name);
      // compat: told of each, also of one that was there.
      parts.events.emit('volume', 'create', name, { driver: 'local' });
      if (point.copies) await copyUp(parts, record, point);
    }
  } catch (error) {
    for (const name of made) await removeQuietly(parts, name, record.id);
    throw error;
  }
}
