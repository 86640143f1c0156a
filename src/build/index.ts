/** Images out of Dockerfiles: the language, the graph, the solver and its cache. */
export type { BuildGraph, BuildOutput, Step, StepId } from './graph.ts';
