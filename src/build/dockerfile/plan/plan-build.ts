/** `planBuild`: a Dockerfile and a request become a graph. No I/O but what the sources are asked. */
import type { Platform } from '#specs';
import type { BuildOutput, StepId } from '../../graph.ts';
import { type LintFinding, parseLintSettings, refuseWarnings, reported } from '../lint/linter.ts';
import type { Dockerfile } from '../parse/instruction.ts';
import { located } from '../source-text.ts';
import type { BuildPlan, BuildRequest, BuildSources } from './build-request.ts';
import { globalArgs, isPredefined } from './global-args.ts';
import { GraphWriter } from './graph-writer.ts';
import { scannedRoots } from './scans.ts';
import { createdAt, sourceDate } from './source-date.ts';
import { SourceSteps } from './source-steps.ts';
import { StageLinks } from './stage-links.ts';
import { StagePlanner } from './stage-planner.ts';

/**
 * Only the stages the target needs are planned.
 * Throws errors of the module (`dockerfile.…`) with `line`, `endLine` and `excerpt` in their details where they are
 * about lines; what `sources` reject with, the image's name in front; `dockerfile.lint` when warnings are errors.
 */
export async function planBuild(
  dockerfile: Dockerfile,
  request: BuildRequest,
  sources: BuildSources,
): Promise<BuildPlan> {
  const settings = parseLintSettings(checkOf(dockerfile, request));
  const findings = [...dockerfile.findings];
  const graph = new GraphWriter();
  const buildArgs = request.buildArgs ?? {};
  const steps = new SourceSteps(graph, sources, request.mainContext, isSet(buildArgs['BUILDKIT_CONTEXT_KEEP_GIT_DIR']));
  const outputs: BuildOutput[] = [];
  const scans: StepId[] = [];
  let date: BuildPlan['sourceDate'];
  for (const target of request.targetPlatforms ?? [request.buildPlatform]) {
    const { planner, links, index } = plannerFor(dockerfile, request, target, { graph, steps, findings });
    const stage = await planner.plan(index);
    date ??= await sourceDate(buildArgs['SOURCE_DATE_EPOCH'], { dockerfile, request, steps, graph, links });
    scans.push(...(await scannedRoots(stage, planner, steps)));
    outputs.push({
      platform: request.targetPlatforms === undefined ? stage.platform : target,
      root: planner.outputRoot(stage),
      config: { ...stage.config, labels: { ...stage.config.labels, ...request.labels } },
      author: stage.author,
      history: stage.history,
    });
  }
  const warnings = reported(findings, settings);
  refuseLint(dockerfile, warnings, settings);
  return {
    steps: graph.finish([...outputs.map(({ root }) => root), ...scans]),
    outputs,
    warnings,
    notices: notices(dockerfile, buildArgs),
    sourceDate: date,
    scans: [...new Set(scans)],
  };
}

/** All stages, for what the linter has to say of each. Throws as `planBuild`, except for warnings that are errors. */
export async function planAllStages(
  dockerfile: Dockerfile,
  request: BuildRequest,
  sources: BuildSources,
  findings: LintFinding[],
): Promise<void> {
  const graph = new GraphWriter();
  const steps = new SourceSteps(graph, sources, request.mainContext, false);
  const target = request.targetPlatforms?.[0] ?? request.buildPlatform;
  const { planner, links, index } = plannerFor(dockerfile, request, target, { graph, steps, findings });
  await planner.plan(index);
  for (const other of links.stages.keys()) await planner.plan(other);
}

/** Which of the linter's settings count: the request's, a build argument's, the file's. */
export function checkOf(dockerfile: Dockerfile, request: BuildRequest): string {
  return request.check ?? request.buildArgs?.['BUILDKIT_DOCKERFILE_CHECK'] ?? dockerfile.directives.check ?? '';
}

function plannerFor(
  dockerfile: Dockerfile,
  request: BuildRequest,
  target: Platform,
  { graph, steps, findings }: { graph: GraphWriter; steps: SourceSteps; findings: LintFinding[] },
): { planner: StagePlanner; links: StageLinks; index: number } {
  const buildArgs = request.buildArgs ?? {};
  const stageName = request.target || (dockerfile.stages.at(-1)?.from.name ?? '');
  const platforms = { build: request.buildPlatform, target, stage: stageName };
  const globals = globalArgs(dockerfile, buildArgs, platforms);
  const links = new StageLinks(dockerfile, globals, request.buildPlatform, findings);
  const index = links.target(request.target ?? '');
  links.refuseCircles(dockerfile);
  const created = createdAt(buildArgs['SOURCE_DATE_EPOCH']);
  const parts = { dockerfile, request, graph, sources: steps, globals, links, target, created, findings };
  return { planner: new StagePlanner(parts), links, index };
}

function refuseLint(dockerfile: Dockerfile, ...[warnings, settings]: Parameters<typeof refuseWarnings>): void {
  try {
    refuseWarnings(warnings, settings);
  } catch (error) {
    throw located(error, dockerfile.text, warnings[0]!.range);
  }
}

function notices(dockerfile: Dockerfile, buildArgs: Readonly<Record<string, string>>): string[] {
  const all = [...dockerfile.globalArgs, ...dockerfile.stages.flatMap(({ instructions }) => instructions)];
  const declared = new Set(all.flatMap((one) => (one.kind === 'arg' ? one.args.map(({ name }) => name) : [])));
  const unused = Object.keys(buildArgs).filter((name) => !declared.has(name) && !isPredefined(name));
  if (unused.length === 0) return [];
  return [`[Warning] One or more build-args [${unused.sort().join(' ')}] were not consumed`];
}

const isSet = (value: string | undefined): boolean => value !== undefined && /^(?:1|t|true)$/i.test(value);
