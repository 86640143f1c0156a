/** Images out of Dockerfiles: the language, the graph, the solver and its cache. */
export type { BuildGraph, BuildOutput, Step, StepId } from './graph.ts';
export { checkDockerfile, type DockerfileCheck } from './dockerfile/check.ts';
export { IgnoreMatcher } from './dockerfile/ignore/ignore-matcher.ts';
export { ignoreFileNames, parseIgnore } from './dockerfile/ignore/parse-ignore.ts';
export type { LintWarning } from './dockerfile/lint/linter.ts';
export type { Directives } from './dockerfile/parse/directives.ts';
export type { Dockerfile } from './dockerfile/parse/instruction.ts';
export { directivesOf, parseDockerfile } from './dockerfile/parse/parse-dockerfile.ts';
export type {
  BuildPlan,
  BuildRequest,
  BuildSources,
  ResolvedImage,
  SourceDate,
} from './dockerfile/plan/build-request.ts';
export { type GitSource, parseGitUrl } from './dockerfile/plan/git-url.ts';
export { planBuild } from './dockerfile/plan/plan-build.ts';
export { excerpt } from './dockerfile/source-text.ts';
export { type BuildTarget, listTargets, type Outline, outline } from './dockerfile/targets.ts';
