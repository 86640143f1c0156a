/** Which containers keep an image. */
import type { EngineParts } from './parts.ts';

/** The id of a container made from the image, or undefined. */
export function containerOfImage({ containers }: Pick<EngineParts, 'containers'>, imageId: string): string | undefined {
  return containers.list().find((record) => record.imageId === imageId)?.id;
}
