/** The command line `skiff`: one file per command, through the client. */
export type { Surroundings, TerminalInput, TerminalOutput } from './command.ts';
export { runAtDoor } from './door/run-at-door.ts';
export { main } from './main.ts';
export { processSignals } from './streams/signals.ts';
export { userFiles } from './user-files.ts';
