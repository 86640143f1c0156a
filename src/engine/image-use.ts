/** Which containers keep an image. */
import type { ContainerRecord } from './container-record.ts';
import { isLive } from './lifecycle.ts';
import type { EngineParts } from './parts.ts';

/** A container made from the image, a running one first; undefined when there is none. */
export function containerOfImage(
  { containers }: Pick<EngineParts, 'containers'>,
  imageId: string,
): ContainerRecord | undefined {
  const users = containers.list().filter((record) => record.imageId === imageId);
  return users.find((record) => isLive(record.status)) ?? users[0];
}
