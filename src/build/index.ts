/** The Dockerfile language, the graph of a build, its solver and cache. */
export { Builder, type BuilderDeps, type BuildRequest } from './builder.ts';
export { cachedLayers } from './cache/build-cache.ts';
export type { CacheUsage, Pruned, PruneRequest } from './cache/prune.ts';
export type { LocalContext } from './files/context.ts';
export type {
  BuildGraph,
  BuildOutput,
  CopyAction,
  FileAction,
  FilesStep,
  GitStep,
  HttpStep,
  ImageStep,
  InlineFile,
  LocalStep,
  MakeFolderAction,
  MergeStep,
  Owner,
  RunMount,
  RunStep,
  SourceRange,
  Step,
  StepId,
  WriteAction,
} from './graph.ts';
export type { BuildEvent, PlannedStep, Tell } from './progress.ts';
export { defaultRunSettings, noGifts, type RunGifts, type RunSettings } from './run/settings.ts';
export type { SolveRequest } from './solve/solving.ts';
