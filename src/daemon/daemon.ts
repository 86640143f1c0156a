/** The daemon's life: lock, restore, listen, until a signal; then stop what runs and let go of everything. */
import { existsSync } from 'node:fs';
import { causeChain, formatTimeNs, nowNs } from '#base';
import { createApi } from '#api';
import { restoreContainers, stopAllMonitors } from '#engine';
import { assemble } from './assemble.ts';
import type { DaemonConfig } from './config.ts';
import { errors } from './errors.ts';
import { takeInheritedSockets } from './inherited-sockets.ts';
import { type Door, listenAt } from './listen.ts';
import { lockFolder } from './lock.ts';
import { writePidFile } from './pid-file.ts';
import { reloadConfig } from './reload.ts';
import { awaitSignal } from './signals.ts';
import { stopAllContainers } from './stop-containers.ts';
import { skiffVersion } from './version.ts';

/** Runs until SIGTERM or SIGINT. `reload` reads the configuration again. Throws why it cannot start, having left nothing behind. */
export async function runDaemon(config: DaemonConfig, reload: () => DaemonConfig): Promise<void> {
  await using undo = new AsyncDisposableStack();
  const inherited = takeInheritedSockets(process.env, process.pid);
  if (isDockers(config.dataRoot)) throw errors.foreignData(config.dataRoot);
  undo.use(lockFolder(config.dataRoot));
  if (config.pidFile !== '') undo.use(writePidFile(config.pidFile));
  const assembly = undo.use(await assemble(config));
  const { parts, log } = assembly;
  const signalled = awaitSignal({ log, reload: () => reloadConfig(assembly, reload) });
  for (const warning of config.warnings) log.warn(warning);
  await restoreContainers(parts);
  const facts = { version: skiffVersion, startedAt: formatTimeNs(nowNs()) };
  const doors: Door[] = [];
  for (const host of config.hosts) {
    const createServer = (tls?: Parameters<typeof createApi>[3]) => createApi(parts, facts, log, tls);
    for (const door of await listenAt({ createServer, inherited, log }, host, config)) doors.push(undo.use(door));
  }
  for (const { name } of doors) process.stdout.write(`API listen on ${name}\n`);

  const reason = await Promise.race([signalled, parts.runtime.launcher.lost]);
  if (reason instanceof Error) {
    log.error('the native launcher was lost; containers go on, the daemon starts anew', { error: causeChain(reason) });
    throw reason;
  }
  log.info('stopping', { signal: reason });
  parts.restarts.close();
  stopAllMonitors(parts);
  if (parts.settings.current.liveRestore) return;
  await stopAllContainers(parts);
  await parts.networks.shutDown();
  parts.runtime.removeEmptyCgroup(config.cgroupParent);
}

function isDockers(folder: string): boolean {
  return existsSync(`${folder}/image`) && existsSync(`${folder}/containers`) && !existsSync(`${folder}/skiff.db`);
}
