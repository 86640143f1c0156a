/** The end of all containers with their daemon. */
import { causeChain, waitMs } from '#base';
import { type EngineParts, killContainer, stopContainer } from '#engine';

/** compat: added to the longest stop timeout of a container when that is more than the daemon was told. Seconds. */
const GRACE = 5;
const DEFAULT_STOP = 10;

/**
 * Stops what runs, all at once, each as politely as its own stop timeout allows; what is left when the time of the
 * daemon is over is killed.
 */
export async function stopAllContainers(parts: EngineParts): Promise<void> {
  // A start under way is waited for, so that it is among what runs.
  await Promise.all(parts.containers.list().map(({ id }) => parts.locks.run(id, async () => {})));
  const over = new AbortController();
  void killAllAfter(parts, shutdownSeconds(parts), over.signal);
  await Promise.all(
    [...parts.live].map(async ([id, live]) => {
      try {
        // One that is gone is only swept up after.
        if (parts.containers.get(id)) await stopContainer(parts, id, { byDaemon: true });
      } catch (error) {
        parts.log.warn('a container did not stop', { container: id, error: causeChain(error) });
      }
      await live.cleaned;
    }),
  );
  over.abort();
}

/** compat: dockerd waits for the most patient container; negative is without end. */
function shutdownSeconds(parts: EngineParts): number {
  const { shutdownTimeoutSeconds } = parts.settings.current;
  if (shutdownTimeoutSeconds < 0) return -1;
  const stops = [...parts.live.keys()].map(
    (id) => parts.containers.get(id)?.settings.stopTimeoutSeconds ?? DEFAULT_STOP,
  );
  if (stops.some((stop) => stop < 0)) return -1;
  return Math.max(shutdownTimeoutSeconds, ...stops.map((stop) => stop + GRACE));
}

async function killAllAfter(parts: EngineParts, seconds: number, signal: AbortSignal): Promise<void> {
  if (seconds < 0 || !(await waitMs(seconds * 1000, signal))) return;
  for (const id of parts.live.keys()) {
    parts.log.warn('a container is killed: the shutdown timeout is over', { container: id });
    await killContainer(parts, id, 'KILL').catch((error: unknown) => {
      parts.log.warn('a container could not be killed', { container: id, error: causeChain(error) });
    });
  }
}
