/** Which containers keep an image. */
import type { ImageUser } from '#images';
import { isLive } from './lifecycle.ts';
import type { EngineParts } from './parts.ts';

/** A container made from the image, a running one if there is one, or undefined. */
export function containerOfImage(
  { containers }: Pick<EngineParts, 'containers'>,
  imageId: string,
): ImageUser | undefined {
  const users = containers.list().filter((record) => record.imageId === imageId);
  const user = users.find(({ status }) => isLive(status)) ?? users[0];
  return user && { containerId: user.id, isRunning: isLive(user.status) };
}
