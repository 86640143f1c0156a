/** The OCI command line: a door of its own, so that a call loads only what its command needs. */
export { runCommandLine } from './command-line.ts';
