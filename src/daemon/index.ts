/** Builds the engine from its parts, restores state, shuts down. */
export { configOfFlags, type DaemonConfig, daemonDefaults, readDaemonCommand } from './config.ts';
export { daemonHelp } from './options/help.ts';
export type { CommandRunner } from '#api';
export { type FrontDoor, type RunningDaemon, runDaemon, startDaemon } from './daemon.ts';
export { skiffVersion } from './version.ts';
