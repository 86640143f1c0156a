/** Images out of Dockerfiles: the language, the graph, the solver and its cache. */
export { Builder, type BuilderDeps } from './builder.ts';
export type { BuildOutcome, BuildResult, BuildWork, ExportListener } from './build-work.ts';
export type { Attestation } from './attest/attestation.ts';
export { type AttestWish, readAttestWish, recordedProvenance } from './attest/attest-wish.ts';
export { type CacheOrigin, importCache } from './cache-transfer/import-cache.ts';
export { type Annotation, readAnnotation } from './export/annotations.ts';
export type { ExportedFolder, FilesForm, FolderItem } from './export/exported-folder.ts';
export type {
  CacheExportWish,
  CacheForm,
  ExportFacts,
  ExportWish,
  ImageForm,
  ImportedCache,
  SendBytes,
} from './export/export-wish.ts';
export { plainForm } from './export/export-wish.ts';
export { cachedLayers } from './cache/build-cache.ts';
export { type CacheQuestion, cacheFilter } from './cache/cache-filter.ts';
export type { CacheUsage, Pruned, PruneRequest } from './cache/prune.ts';
export { checkDockerfile, type DockerfileCheck } from './dockerfile/check.ts';
export type { LintWarning } from './dockerfile/lint/linter.ts';
export type { Directives } from './dockerfile/parse/directives.ts';
export type { Dockerfile } from './dockerfile/parse/instruction.ts';
export { directivesOf, parseDockerfile } from './dockerfile/parse/parse-dockerfile.ts';
export type {
  BuildPlan,
  BuildRequest,
  BuildSources,
  ResolvedImage,
  ResolvedResult,
  SourceDate,
} from './dockerfile/plan/build-request.ts';
export { type GitSource, parseGitUrl } from './dockerfile/plan/git-url.ts';
export { planBuild } from './dockerfile/plan/plan-build.ts';
export { excerpt } from './dockerfile/source-text.ts';
export { type BuildTarget, listTargets, type Outline, outline } from './dockerfile/targets.ts';
export type { LocalContext } from './files/context-index.ts';
export type { ClientFolder, FileReceiver, ListedEntry } from './files/folder-context.ts';
export { BuildHistory, type HistoryBlob, type PastBuild, type StepCounts } from './history/build-history.ts';
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
  ResultStep,
  RunMount,
  RunStep,
  SourceRange,
  Step,
  StepId,
  WriteAction,
} from './graph.ts';
export {
  type ContextFiles,
  dockerfileBuild,
  type DockerfileWork,
  filesOf,
  lintDockerfile,
  type PullLine,
} from './dockerfile-build.ts';
export type { BuildEvent, PlannedStep, Tell } from './progress.ts';
export { openRemoteContext, type RemoteContext } from './remote-context.ts';
export type { DebugTerminal, FailedStep } from './run/failed-steps.ts';
export { removeLeftSteps } from './run/restore.ts';
export { defaultRunSettings, noGifts, type RunGifts, type RunSettings } from './run/settings.ts';
export type { Snapshot } from './solve/result.ts';
export type { RunFailure, SolveRequest } from './solve/solving.ts';
