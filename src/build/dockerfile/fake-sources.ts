/** Images and ignore files for tests of the planner: what is there is said in a table, everything else is not. */
import { SkiffError } from '#base';
import { emptyImageConfig, type ImageConfig } from '#images';
import type { HistoryEntry, Platform } from '#specs';
import type { LintFinding } from './lint/linter.ts';
import { parseDockerfile } from './parse/parse-dockerfile.ts';
import type { BuildPlan, BuildRequest, BuildSources } from './plan/build-request.ts';
import { planBuild } from './plan/plan-build.ts';

export const AMD64: Platform = { os: 'linux', architecture: 'amd64' };
export const ARM64: Platform = { os: 'linux', architecture: 'arm64' };

export interface FakeImage {
  readonly config?: Partial<ImageConfig>;
  readonly history?: readonly HistoryEntry[];
  readonly author?: string;
  /** Absent: the one asked for. */
  readonly platform?: Platform;
}

export class FakeSources implements BuildSources {
  /** References that were asked for, with the architecture. */
  readonly asked: string[] = [];
  readonly #images: Readonly<Record<string, FakeImage>>;
  readonly #ignored: readonly string[];

  /** `images` by full name; `alpine` and `debian` are always there. */
  constructor(images: Readonly<Record<string, FakeImage>> = {}, ignored: readonly string[] = []) {
    this.#images = { 'docker.io/library/alpine:latest': {}, 'docker.io/library/debian:latest': {}, ...images };
    this.#ignored = ignored;
  }

  async resolveImage(reference: string, platform: Platform): ReturnType<BuildSources['resolveImage']> {
    this.asked.push(`${reference} ${platform.architecture}`);
    const image = this.#images[reference];
    if (!image) throw new SkiffError('not-found', 'image.noSuch', 'not found');
    return {
      reference: `${reference}@sha256:${'0'.repeat(64)}`,
      platform: image.platform ?? platform,
      config: { ...emptyImageConfig, ...image.config },
      history: image.history ?? [],
      author: image.author ?? '',
    };
  }

  /** `input:base` is there. */
  async resolveResult(input: string, platform: Platform): ReturnType<BuildSources['resolveResult']> {
    this.asked.push(`input:${input} ${platform.architecture}`);
    if (input !== 'base') throw new SkiffError('invalid', 'buildkit.noInput', 'no such result');
    const config = { ...emptyImageConfig, env: ['FROM_BASE=1'], workingDirectory: '/base' };
    return { platform, config, history: [{ createdBy: 'base' }], author: 'them' };
  }

  async ignorePatterns(context: string): Promise<readonly string[]> {
    return context === 'context' ? this.#ignored : [`${context}-ignored`];
  }
}

/** Parses and plans; for amd64 unless the request says more. */
export function planText(
  text: string,
  request: Partial<BuildRequest> = {},
  sources: BuildSources = new FakeSources(),
): Promise<BuildPlan> {
  const findings: LintFinding[] = [];
  return planBuild(parseDockerfile(text, findings), { buildPlatform: AMD64, ...request }, sources);
}

/** A refusal without the word it is about: `failed to process "…": `. */
export function withoutWord(message: string): string {
  return message.replace(/^failed to process "(?:[^"\\]|\\.)*": /, '');
}
