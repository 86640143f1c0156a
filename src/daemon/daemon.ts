/** The daemon's life: lock, restore, listen, until a signal; then stop what runs and let go of everything. */
import { rmSync, writeFileSync } from 'node:fs';
import { causeChain, formatTimeNs, nowNs } from '#base';
import { createApi } from '#api';
import { type EngineParts, restoreContainers, stopAllMonitors, stopContainer } from '#engine';
import { assemble } from './assemble.ts';
import type { DaemonConfig } from './config.ts';
import { engineId } from './engine-id.ts';
import { listenOnSocket } from './listen.ts';
import { lockFolder } from './lock.ts';
import { skiffVersion } from './version.ts';

/** Runs until SIGTERM or SIGINT. Throws why it cannot start, having left nothing behind. */
export async function runDaemon(config: DaemonConfig): Promise<void> {
  await using undo = new AsyncDisposableStack();
  undo.use(lockFolder(config.dataRoot));
  const { parts, log } = undo.use(await assemble(config));
  await restoreContainers(parts);
  const facts = { id: engineId(config.dataRoot), version: skiffVersion, startedAt: formatTimeNs(nowNs()) };
  for (const socket of config.sockets) {
    const server = createApi(parts, facts, log);
    await listenOnSocket(server, socket, config.socketGroup);
    undo.defer(() => {
      server.close();
      server.closeAllConnections();
      rmSync(socket, { force: true });
    });
  }
  if (config.pidFile !== '') {
    writeFileSync(config.pidFile, String(process.pid));
    undo.defer(() => rmSync(config.pidFile, { force: true }));
  }
  for (const socket of config.sockets) process.stdout.write(`API listen on ${socket}\n`);

  const reason = await Promise.race([signalled(), parts.runtime.launcher.lost]);
  if (reason instanceof Error) {
    log.error('the native launcher was lost; containers go on, the daemon starts anew', { error: causeChain(reason) });
    throw reason;
  }
  log.info('stopping', { signal: reason });
  parts.restarts.close();
  stopAllMonitors(parts);
  if (config.liveRestore) return;
  await stopAll(parts, config.shutdownTimeoutSeconds);
  parts.runtime.removeEmptyCgroup(config.cgroupParent);
}

function signalled(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve);
    // A terminal that closes must not end what runs for others.
    process.on('SIGHUP', () => {});
  });
}

async function stopAll(parts: EngineParts, seconds: number): Promise<void> {
  // A start under way is waited for, so that it is among what runs.
  await Promise.all(parts.containers.list().map(({ id }) => parts.locks.run(id, async () => {})));
  await Promise.all(
    [...parts.live].map(async ([id, live]) => {
      try {
        await stopContainer(parts, id, { timeoutSeconds: seconds, byDaemon: true });
      } catch (error) {
        parts.log.warn('a container did not stop', { container: id, error: causeChain(error) });
      }
      await live.cleaned;
    }),
  );
}
