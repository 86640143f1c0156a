/** Builds the engine from its parts, restores state, shuts down. */
export { type DaemonConfig, daemonDefaults, readDaemonCommand } from './config.ts';
export { daemonHelp } from './options/help.ts';
export { runDaemon } from './daemon.ts';
export { skiffVersion } from './version.ts';
