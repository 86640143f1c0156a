/** What a host offers to containers, without starting anything. */
export { runDoctor } from './program.ts';
