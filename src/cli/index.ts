/** The command line `skiff`: one file per command, through the client. */
export type { Surroundings, TerminalInput, TerminalOutput } from './command.ts';
export { main } from './main.ts';
