/** The registry as a program: its command line, its configuration file, its life. */
export { runRegistryProgram } from './program.ts';
