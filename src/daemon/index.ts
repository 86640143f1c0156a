/** Builds the engine from its parts, restores state, shuts down. */
export { type DaemonConfig, daemonDefaults, daemonHelp, parseDaemonFlags } from './config.ts';
export { runDaemon } from './daemon.ts';
export { skiffVersion } from './version.ts';
