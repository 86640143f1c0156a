/** The daemon's life: lock, restore, listen, until a signal; then stop what runs and let go of everything. */
import { existsSync } from 'node:fs';
import { causeChain, createLog, formatTimeNs, nowNs } from '#base';
import { type ApiOptions, createApi } from '#api';
import { discardAllPrepared, restoreContainers, stopAllMonitors } from '#engine';
import type { TlsSettings } from '#rpc';
import { type Assembly, assemble } from './assemble.ts';
import type { DaemonConfig } from './config.ts';
import { errors } from './errors.ts';
import { IdleMemory } from './idle-memory.ts';
import { type InheritedSocket, takeInheritedSockets } from './inherited-sockets.ts';
import { type Door, listenAt } from './listen.ts';
import { lockFolder } from './lock.ts';
import { writePidFile } from './pid-file.ts';
import { reloadConfig } from './reload.ts';
import { awaitSignal } from './signals.ts';
import { stopAllContainers } from './stop-containers.ts';
import { skiffVersion } from './version.ts';

export interface RunningDaemon extends AsyncDisposable {
  readonly assembly: Assembly;
  /** Where it listens, as clients say it. */
  readonly addresses: readonly string[];
  /** Shows the certificates that lie in their files by now; one that is no good is told in the log, and the old one stays. */
  renewCertificates(): void;
  /** Stops containers, unless they are to go on, and takes down what they used. Disposing it lets go of the rest. */
  shutDown(): Promise<void>;
}

/** What runs command lines for clients; the command line is no part of a daemon, so its program hands it in. */
export type FrontDoor = Pick<ApiOptions, 'runCommand'>;

/** Lock, restore, listen. Throws why it cannot, having left nothing behind. */
export async function startDaemon(
  config: DaemonConfig,
  inherited: readonly InheritedSocket[],
  { runCommand }: FrontDoor = {},
): Promise<RunningDaemon> {
  await using undo = new AsyncDisposableStack();
  if (isDockers(config.dataRoot)) throw errors.foreignData(config.dataRoot);
  undo.use(lockFolder(config.dataRoot));
  if (config.pidFile !== '') undo.use(writePidFile(config.pidFile));
  const assembly = undo.use(await assemble(config));
  const { parts, log } = assembly;
  for (const warning of config.warnings) log.warn(warning);
  await restoreContainers(parts);
  await assembly.builder.restore();
  const facts = { version: skiffVersion, startedAt: formatTimeNs(nowNs()) };
  const memory = undo.use(new IdleMemory());
  // The start itself leaves something, too.
  memory.touch();
  const doors: Door[] = [];
  for (const host of config.hosts) {
    const createServer = (tls?: TlsSettings) => memory.watch(createApi({ ...assembly, facts, log, runCommand }, tls));
    for (const door of await listenAt({ createServer, inherited, log }, host, config)) doors.push(undo.use(door));
  }
  const all = undo.move();
  return {
    assembly,
    addresses: doors.map(({ name }) => name),
    renewCertificates: () => {
      for (const door of doors) {
        try {
          door.renew();
        } catch (error) {
          log.error('a certificate could not be read again; the old one stays', {
            address: door.name,
            error: causeChain(error),
          });
        }
      }
    },
    shutDown: async () => {
      parts.restarts.close();
      stopAllMonitors(parts);
      await assembly.builder.close();
      await discardAllPrepared(parts);
      if (parts.settings.current.liveRestore) return;
      await stopAllContainers(parts);
      await parts.networks.shutDown();
      parts.runtime.removeEmptyCgroup(config.cgroupParent);
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Runs until SIGTERM or SIGINT. `reload` reads the configuration again. Throws why it cannot start. */
export async function runDaemon(config: DaemonConfig, reload: () => DaemonConfig, door: FrontDoor): Promise<void> {
  let started: RunningDaemon | undefined;
  // From now on: a signal during the start is answered when there is something to shut down.
  const signalled = awaitSignal({
    log: createLog(() => config.logLevel, undefined, {}, config.logFormat),
    reload: () => {
      if (!started) return;
      reloadConfig(started.assembly, reload);
      started.renewCertificates();
    },
  });
  await using daemon = await startDaemon(config, takeInheritedSockets(process.env, process.pid), door);
  started = daemon;
  const { parts, log } = daemon.assembly;
  for (const address of daemon.addresses) process.stdout.write(`API listen on ${address}\n`);

  const reason = await Promise.race([signalled, parts.runtime.launcher.lost]);
  if (reason instanceof Error) {
    log.error('the native launcher was lost; containers go on, the daemon starts anew', { error: causeChain(reason) });
    throw reason;
  }
  log.info('stopping', { signal: reason });
  await daemon.shutDown();
}

function isDockers(folder: string): boolean {
  return existsSync(`${folder}/image`) && existsSync(`${folder}/containers`) && !existsSync(`${folder}/skiff.db`);
}
