/** Stops a container, if it runs, and starts it. */
import { SkiffError } from '#base';
import { isLive } from '../lifecycle.ts';
import { type EngineParts, eventAttributes, findContainer } from '../parts.ts';
import { removeIfAsked, startContainer } from './start.ts';
import { type StopOptions, stopContainer } from './stop.ts';

/** Throws `container.noSuch`, and why it could not be started. */
export async function restartContainer(parts: EngineParts, reference: string, options: StopOptions): Promise<void> {
  const { id, status } = findContainer(parts, reference);
  try {
    // compat: the end of a restart is no end for `--rm`.
    using _held = parts.restarts.hold(id);
    if (isLive(status)) {
      // It may have ended by itself meanwhile.
      await stopContainer(parts, id, options).catch(unlessNotModified);
    }
    // Somebody else may have started it.
    await startContainer(parts, id).catch(unlessNotModified);
  } catch (error) {
    await removeIfAsked(parts, id);
    throw error;
  }
  parts.events.emit('container', 'restart', id, eventAttributes(findContainer(parts, id)));
}

function unlessNotModified(error: unknown): void {
  if (!(error instanceof SkiffError && error.kind === 'not-modified')) throw error;
}
