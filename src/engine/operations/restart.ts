/** Stops a container, if it runs, and starts it. */
import { isLive } from '../lifecycle.ts';
import { type EngineParts, eventAttributes, findContainer } from '../parts.ts';
import { startContainer } from './start.ts';
import { type StopOptions, stopContainer } from './stop.ts';

/** Throws `container.noSuch`, and why it could not be started. */
export async function restartContainer(parts: EngineParts, reference: string, options: StopOptions): Promise<void> {
  const { id, status } = findContainer(parts, reference);
  if (isLive(status)) {
    await stopContainer(parts, id, options).catch((error: unknown) => {
      // It has ended by itself meanwhile.
      if (!(error instanceof Error && 'kind' in error && error.kind === 'not-modified')) throw error;
    });
  }
  await startContainer(parts, id);
  parts.events.emit('container', 'restart', id, eventAttributes(findContainer(parts, id)));
}
