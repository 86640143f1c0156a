/**
 * Plans the stages a target needs, for one platform: each begins with an image, a stage or nothing, then come the
 * base's triggers, then its own instructions.
 */
import { emptyImageConfig } from '#images';
import { formatPlatform, type Platform } from '#specs';
import type { StepId } from '../../graph.ts';
import { errors } from '../errors.ts';
import { finding, type LintFinding } from '../lint/linter.ts';
import type { Dockerfile } from '../parse/instruction.ts';
import { located } from '../source-text.ts';
import { imageName, imageNameOf, SCRATCH } from './base-name.ts';
import type { BuildRequest, ResolvedImage, ResolvedResult } from './build-request.ts';
import { type ContextSource, NamedContexts } from './contexts.ts';
import { type GlobalArgs, proxyEnvironment } from './global-args.ts';
import type { GraphWriter } from './graph-writer.ts';
import { planInstruction } from './plan-instruction.ts';
import type { PlanParts } from './plan-parts.ts';
import { imageRefusal, type SourceSteps } from './source-steps.ts';
import type { StageLinks } from './stage-links.ts';
import { nothing, type StageFacts, type StageStart, StageState } from './stage-state.ts';
import { parseTrigger } from './triggers.ts';

export interface StagePlannerParts {
  readonly dockerfile: Dockerfile;
  readonly request: BuildRequest;
  readonly graph: GraphWriter;
  readonly sources: SourceSteps;
  readonly globals: GlobalArgs;
  readonly links: StageLinks;
  readonly target: Platform;
  readonly created: string | undefined;
  readonly findings: LintFinding[];
}

export class StagePlanner {
  readonly #parts: StagePlannerParts;
  readonly #contexts: NamedContexts;
  readonly #stages = new Map<number, StageState>();
  readonly #planParts: PlanParts;
  /** No other stage, and no image copied from: names of steps need not say which. */
  readonly #isAlone: boolean;

  constructor(parts: StagePlannerParts) {
    this.#parts = parts;
    this.#contexts = new NamedContexts(parts.request.namedContexts ?? {});
    this.#isAlone = parts.links.stages.length === 1 && parts.links.sourcesOf(0).length === 0;
    const buildArgs = parts.request.buildArgs ?? {};
    this.#planParts = {
      graph: parts.graph,
      sources: parts.sources,
      findings: parts.findings,
      globals: parts.globals,
      buildArgs,
      proxyEnvironment: proxyEnvironment(buildArgs),
      context: () => parts.sources.context(),
      contextIgnore: () => parts.sources.contextIgnore(),
      copySource: (stage, name) => this.#source(stage, name, errors.laterStage),
      mountSource: (stage, name) => this.#source(stage, name, errors.laterMount),
    };
  }

  /** Plans the stages it needs too. Throws errors of the module, with their place, and what images' resolver throws. */
  async plan(index: number): Promise<StageState> {
    const needed = this.#needed(index);
    for (const stage of needed) this.#askAhead(stage);
    for (const stage of needed) {
      if (!this.#stages.has(stage)) this.#stages.set(stage, await this.#planStage(stage));
    }
    return this.#stages.get(index)!;
  }

  /** What is exported of a stage. */
  outputRoot({ root, facts }: StageState): StepId | undefined {
    return this.#rootOf(root, this.#parts.links.stages[facts.index]!.from.name);
  }

  /** Stages that were needed so far. */
  get planned(): StageState[] {
    return [...this.#stages.values()];
  }

  globalOf(name: string): string | undefined {
    return this.#parts.globals.values.get(name);
  }

  /** Itself included, in the order of the file: what a stage needs stands before it. */
  #needed(index: number): number[] {
    const { links } = this.#parts;
    const needed = new Set([index]);
    // A set gives what is added while it is walked.
    for (const stage of needed) {
      if (this.#replacement(stage)) continue;
      for (const other of links.needsOf(stage)) if (other < stage) needed.add(other);
    }
    return [...needed].sort((a, b) => a - b);
  }

  /** Images of all stages are asked for at once. */
  #askAhead(index: number): void {
    const { base, baseStage, platform } = this.#parts.links.stages[index]!;
    if (baseStage !== undefined || base === SCRATCH || this.#stages.has(index) || this.#replacement(index)) return;
    const wanted = platform ?? this.#parts.target;
    const name = imageNameOf(base);
    if (name === undefined || this.#contexts.forImage(base, wanted)) return;
    void this.#parts.sources.image(name, wanted);
  }

  /** A named context in place of a stage. */
  #replacement(index: number): ContextSource | undefined {
    const { from, platform } = this.#parts.links.stages[index]!;
    return from.name === '' ? undefined : this.#contexts.forStage(from.name, platform ?? this.#parts.target);
  }

  async #planStage(index: number): Promise<StageState> {
    const { from, instructions, base } = this.#parts.links.stages[index]!;
    const { text } = this.#parts.dockerfile;
    const replacement = this.#replacement(index);
    try {
      if (replacement) return new StageState(await this.#contextStart(replacement, from.name), this.#facts(index));
    } catch (error) {
      throw located(error, text, from.range);
    }
    let stage: StageState;
    try {
      const { start, image } = await this.#begin(index);
      stage = new StageState(start, this.#facts(index));
      const triggers = stage.config.onBuild.map(parseTrigger);
      stage.expectSteps([...triggers, ...instructions], image !== undefined);
      if (image) stage.root = this.#addImage(image, stage.stepFacts(`FROM ${shownName(base, image)}`, from.range));
      stage.change({ onBuild: [] });
      for (const trigger of triggers) {
        await planInstruction(this.#planParts, stage, { ...trigger, range: from.range });
      }
    } catch (error) {
      throw located(error, text, from.range);
    }
    for (const instruction of instructions) {
      try {
        await planInstruction(this.#planParts, stage, instruction);
      } catch (error) {
        throw located(error, text, instruction.range);
      }
    }
    return stage;
  }

  /** What a stage begins with; `image`: its root is still to be added. */
  async #begin(index: number): Promise<{ start: StageStart; image?: ResolvedImage }> {
    const { from, base, baseStage, platform } = this.#parts.links.stages[index]!;
    if (baseStage !== undefined) return { start: this.#withRoot(startOf(await this.#planned(baseStage)), base) };
    // compat: what begins with nothing is for the target, whatever it says.
    if (base === SCRATCH) return { start: nothing(this.#parts.target) };
    const wanted = platform ?? this.#parts.target;
    const context = this.#contexts.forImage(base, wanted);
    if (context) return { start: this.#withRoot(await this.#contextStart(context, base, wanted), base) };

    const image = await this.#image(base, wanted);
    const isForeign = image.platform.os !== wanted.os || image.platform.architecture !== wanted.architecture;
    const isImplicit = platform === undefined && this.#parts.request.targetPlatforms === undefined;
    if (isForeign && !isImplicit) {
      const [actual, expected] = [image.platform, wanted].map((one) => JSON.stringify(formatPlatform(one)));
      const detail = `Base image ${base} was pulled with platform ${actual}, expected ${expected} for current build`;
      this.#parts.findings.push(finding('InvalidBaseImagePlatform', from, detail));
    }
    return { start: imageStart(image, isImplicit ? image.platform : wanted), image };
  }

  #addImage({ reference, platform }: ResolvedImage, facts: { name: string; ignoresCache: boolean }): StepId {
    return this.#parts.graph.add({ kind: 'image', ...facts, ignoresCache: false, reference, platform });
  }

  /** One that is needed; also one only an image's trigger names. */
  async #planned(index: number): Promise<StageState> {
    return this.#stages.get(index) ?? (await this.plan(index));
  }

  #withRoot(start: StageStart, name: string): StageStart {
    return { ...start, root: this.#rootOf(start.root, name) };
  }

  /** Programs run in a tree, and images are made of one: files of the client become one. */
  #rootOf(root: StepId | undefined, name: string): StepId | undefined {
    if (root === undefined || !this.#parts.graph.isLocal(root)) return root;
    return this.#parts.sources.asRoot(root, { name: `[context ${name}] copy`, ignoresCache: false });
  }

  async #contextStart(source: ContextSource, name: string, platform = this.#parts.target): Promise<StageStart> {
    const naming = { name: `[context ${name}] load`, ignoresCache: false };
    if (source.kind === 'result') {
      const shown = { ...naming, name: `[context ${name}] ${source.input}` };
      const [result, root] = await this.#parts.sources.result(source.input, platform, shown);
      return { ...imageStart(result, result.platform), root };
    }
    if (source.kind !== 'image') {
      return { ...nothing(platform), root: await this.#parts.sources.files(source, naming) };
    }
    const image = await this.#resolve(source.reference, source.reference, platform);
    const root = this.#addImage(image, { ...naming, name: `[context ${name}] ${source.reference}` });
    return { ...imageStart(image, image.platform), root };
  }

  async #source(stage: StageState, name: string, later: typeof errors.laterStage): Promise<StepId> {
    const { links, graph } = this.#parts;
    const index = links.find(name);
    if (index === undefined) return this.#implicit(name);
    const current = stage.facts.index;
    if (index >= current) throw later(name, links.stages[current]!.from.name || `stage-${current}`);
    return (await this.#planned(index)).root ?? graph.addEmpty();
  }

  /** An image or a context that is no stage of the file. */
  async #implicit(name: string): Promise<StepId> {
    const { graph, target } = this.#parts;
    if (name === SCRATCH) return graph.addEmpty();
    const context = this.#contexts.forImage(name, target);
    if (context) return (await this.#contextStart(context, name)).root ?? graph.addEmpty();
    const image = await this.#image(name, target);
    return this.#addImage(image, { name: `FROM ${shownName(name, image)}`, ignoresCache: false });
  }

  #image(name: string, platform: Platform): Promise<ResolvedImage> {
    return this.#resolve(imageName(name), name, platform);
  }

  async #resolve(reference: string, written: string, platform: Platform): Promise<ResolvedImage> {
    try {
      return await this.#parts.sources.image(reference, platform);
    } catch (error) {
      throw imageRefusal(error, written, this.#parts.links.names);
    }
  }

  #facts(index: number): StageFacts {
    const { request, links, dockerfile, created, findings } = this.#parts;
    const { name } = links.stages[index]!.from;
    const label = name || `stage-${index}`;
    const { noCache = false } = request;
    return {
      index,
      label: this.#isAlone ? '' : label,
      ignoresCache:
        typeof noCache === 'boolean' ? noCache : noCache.some((one) => one.toLowerCase() === label.toLowerCase()),
      showsPlatform: (request.targetPlatforms?.length ?? 0) > 1,
      escape: dockerfile.directives.escape,
      created,
      findings,
    };
  }
}

function startOf(stage: StageState): StageStart {
  const { root, platform, config, history, author, variables, hasWorkdir } = stage;
  return { root, platform, config, history, author, variables, hasWorkdir };
}

function imageStart({ config, history, author }: ResolvedResult, platform: Platform): StageStart {
  return { root: undefined, platform, config: { ...emptyImageConfig, ...config }, history, author };
}

/** `docker.io/library/alpine:3@sha256:…`, the digest when it is known. */
function shownName(name: string, { reference }: ResolvedImage): string {
  const full = imageName(name);
  const at = reference.indexOf('@');
  return at < 0 || full.includes('@') ? full : full + reference.slice(at);
}
