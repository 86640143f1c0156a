/** Which containers keep an image. */
import type { ContainerRecord } from './container-record.ts';
import { isLive } from './lifecycle.ts';
import { mountPointsOf } from './mounts/mount-point.ts';
import type { EngineParts } from './parts.ts';

/** A container made from the image or with the image mounted, a running one first; undefined when there is none. */
export function containerOfImage(
  { containers }: Pick<EngineParts, 'containers'>,
  imageId: string,
): ContainerRecord | undefined {
  const users = containers.list().filter((record) => record.imageId === imageId || mounts(record, imageId));
  return users.find((record) => isLive(record.status)) ?? users[0];
}

function mounts(record: ContainerRecord, imageId: string): boolean {
  return mountPointsOf(record).some(({ setting, name }) => setting.type === 'image' && name === imageId);
}
