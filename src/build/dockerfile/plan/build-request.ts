/** What a build is asked to do, what it asks of the world outside, and the plan that comes out. Types only. */
import type { ImageConfig } from '#images';
import type { HistoryEntry, Platform } from '#specs';
import type { BuildGraph, StepId } from '../../graph.ts';
import type { LintWarning } from '../lint/linter.ts';

export interface BuildRequest {
  /** Where RUN runs: BUILDPLATFORM. */
  readonly buildPlatform: Platform;
  /** One output each; absent: the platform of the base image, else the build's. */
  readonly targetPlatforms?: readonly Platform[];
  /** `--build-arg`, the predefined and the BUILDKIT_ ones included. */
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** A stage by name or number; '' or absent: the last. */
  readonly target?: string;
  /** `--label`: added to the output, over those of the Dockerfile. */
  readonly labels?: Readonly<Record<string, string>>;
  /** True: of no stage; a list: not of these (`--no-cache-filter`). */
  readonly noCache?: boolean | readonly string[];
  /** A git or http(s) URL; absent: what the client sends. */
  readonly mainContext?: string;
  /** `--build-context NAME=VALUE`; a name may end with `::platform`. */
  readonly namedContexts?: Readonly<Record<string, string>>;
  /** Linter's settings over those of the file: `skip=…;error=true`. */
  readonly check?: string;
}

export interface ResolvedImage {
  /** For `ImageStep.reference`: an image's id, or `name@sha256:…`. */
  readonly reference: string;
  readonly platform: Platform;
  readonly config: ImageConfig;
  readonly history: readonly HistoryEntry[];
  readonly author: string;
}

/** The result of another build, one platform's. */
export type ResolvedResult = Omit<ResolvedImage, 'reference'>;

export interface BuildSources {
  /**
   * `reference` is a full name with tag or digest, or `oci-layout://…`. Rejects when there is no such image: the
   * refusal is told with the name in front of it.
   */
  resolveImage(reference: string, platform: Platform): Promise<ResolvedImage>;
  /** What another build has made, for `input:INPUT`. Rejects when there is no such build, or it failed. */
  resolveResult(input: string, platform: Platform): Promise<ResolvedResult>;
  /** Patterns of the ignore file of a context the client sends: `context`, or a named one. */
  ignorePatterns(context: string): Promise<readonly string[]>;
}

/** When the image says it was made. */
export type SourceDate =
  | { readonly kind: 'seconds'; readonly seconds: number }
  /** The commit's or file's time of a source: a GitStep or an HttpStep. */
  | { readonly kind: 'step'; readonly step: StepId };

export interface BuildPlan extends BuildGraph {
  /** After settings; in the order of lines. */
  readonly warnings: readonly LintWarning[];
  /** Said to the user, but no matter of a line. */
  readonly notices: readonly string[];
  /** Of SOURCE_DATE_EPOCH; undefined: now. */
  readonly sourceDate: SourceDate | undefined;
  /** For the inventory of software (`attest:sbom`): roots to look at besides the outputs'. */
  readonly scans: readonly StepId[];
}
