/** SIGHUP: the configuration is read again, and what can be changed while the daemon runs is. */
import { hostname } from 'node:os';
import { messageOf } from '#base';
import { type DaemonSettings, OWN_RUNTIME, ownName } from '#engine';
import type { Assembly } from './assemble.ts';
import type { DaemonConfig } from './config.ts';

/**
 * Takes in the file's new values. A file with a mistake in it changes nothing, and is told in the log.
 *
 * compat: dockerd's reloadable settings, and its event `daemon reload` with what it goes by now.
 */
export function reloadConfig(assembly: Assembly, read: () => DaemonConfig): void {
  const { parts, log } = assembly;
  let next: DaemonConfig;
  try {
    next = read();
  } catch (error) {
    log.error('the configuration could not be read again; nothing has changed', { error: messageOf(error) });
    return;
  }
  for (const warning of next.warnings) log.warn(warning);
  const settings = reloadable(parts.settings.current, next.settings);
  assembly.reconfigure({ settings, registry: next.registry, logLevel: next.logLevel });
  const attributes = eventAttributes(settings, next);
  log.info('the configuration was read again', attributes);
  parts.events.emit('daemon', 'reload', parts.options.engineId, attributes);
}

/** The settings after a reload: of the defaults of containers only the one that dockerd reloads too. */
function reloadable(before: DaemonSettings, next: DaemonSettings): DaemonSettings {
  const { seccomp, seccompName, cdiFolders } = before;
  const defaults = { ...before.defaults, shmSizeBytes: next.defaults.shmSizeBytes };
  return { ...next, seccomp, seccompName, cdiFolders, defaults };
}

/** compat: lists are JSON, an empty one is `[]`. */
function eventAttributes(settings: DaemonSettings, { registry }: DaemonConfig): Record<string, string> {
  return {
    debug: String(settings.debug),
    'default-runtime': ownName(settings, settings.defaultRuntime),
    'default-shm-size': String(settings.defaults.shmSizeBytes),
    'insecure-registries': JSON.stringify(registry.insecureRegistries),
    labels: JSON.stringify(settings.labels),
    'live-restore': String(settings.liveRestore),
    'max-concurrent-downloads': String(registry.maxConcurrentDownloads),
    'max-concurrent-uploads': String(registry.maxConcurrentUploads),
    'max-download-attempts': String(registry.maxAttempts),
    name: hostname(),
    'registry-mirrors': JSON.stringify(Object.values(registry.mirrors).flat()),
    runtimes: [OWN_RUNTIME, ...Object.keys(settings.runtimes)].sort().join(' '),
    'shutdown-timeout': String(settings.shutdownTimeoutSeconds),
  };
}
