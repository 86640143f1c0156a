/**
 * What a build does: steps, what each reads, and what comes out; made by the front end, run by the solver.
 *
 * Pure data, JSON-able, no functions. A step's number is its place in `steps`; a step only reads steps before it.
 * Names for people (`name`, `line`) take no part in cache keys.
 */
import type { HistoryEntry, Platform } from '#specs';
import type { ImageConfig } from '#images';

export type StepId = number;

export interface BuildGraph {
  readonly steps: readonly Step[];
  /** One per platform. */
  readonly outputs: readonly BuildOutput[];
}

export interface BuildOutput {
  readonly platform: Platform;
  /** Undefined for an empty root file system (`FROM scratch` and nothing else). */
  readonly root: StepId | undefined;
  readonly config: ImageConfig;
  readonly author: string;
  /** Of the whole image, those of its base included, oldest first. */
  readonly history: readonly HistoryEntry[];
}

/** Lines of the Dockerfile, from 1, both ends included. */
export interface SourceRange {
  readonly start: number;
  readonly end: number;
}

interface StepFacts {
  /** What progress shows: `[build 2/5] RUN make`. */
  readonly name: string;
  readonly source?: SourceRange;
  /** Run although the cache has it (`--no-cache`, `--no-cache-filter`). */
  readonly ignoresCache: boolean;
}

export type Step = ImageStep | ResultStep | LocalStep | GitStep | HttpStep | RunStep | FilesStep | MergeStep;

/** The root file system of an image. */
export interface ImageStep extends StepFacts {
  readonly kind: 'image';
  /** As resolved: an image's id or `name@sha256:…`. */
  readonly reference: string;
  readonly platform: Platform;
}

/** The root file system another build has made, which is still under way. */
export interface ResultStep extends StepFacts {
  readonly kind: 'result';
  /** As the request calls it: `input:NAME`. */
  readonly input: string;
  readonly platform: Platform;
}

/** Files the client gives: the build context, or a named one. */
export interface LocalStep extends StepFacts {
  readonly kind: 'local';
  /** `context`, or that of `--build-context`. */
  readonly context: string;
  /** Patterns of `.dockerignore`. */
  readonly excludes: readonly string[];
  /** Only these paths are needed (wildcards allowed); empty: all. */
  readonly paths: readonly string[];
}

export interface GitStep extends StepFacts {
  readonly kind: 'git';
  readonly url: string;
  readonly ref: string;
  readonly subfolder: string;
  readonly keepsGitFolder: boolean;
  /** `?submodules=false`. */
  readonly skipsSubmodules?: boolean;
  /** `?mtime=commit`: files have the commit's time. */
  readonly usesCommitTime?: boolean;
  /** `?fetch-by-commit`: the checksum, a whole commit id, is fetched instead of the ref. */
  readonly fetchesByCommit?: boolean;
  /** A commit's beginning that the ref has to be; '' for none. */
  readonly checksum: string;
}

/** One file at the root of an empty tree, named `fileName`. */
export interface HttpStep extends StepFacts {
  readonly kind: 'http';
  readonly url: string;
  readonly fileName: string;
  /** `sha256:…` it has to have; '' for none. */
  readonly checksum: string;
}

export interface RunStep extends StepFacts {
  readonly kind: 'run';
  readonly root: StepId | undefined;
  readonly argv: readonly string[];
  /** `NAME=value`, all of them. */
  readonly environment: readonly string[];
  readonly workingDirectory: string;
  readonly user: string;
  readonly network: 'default' | 'none' | 'host';
  readonly isPrivileged: boolean;
  readonly mounts: readonly RunMount[];
  /** Files of heredocs, given to the program below /dev/pipes. */
  readonly heredocs: readonly InlineFile[];
  /** Of the program's own machine; absent: the solver's choice. */
  readonly hostname?: string;
  /** Said to the program, but no part of the cache key: proxies. */
  readonly proxyEnvironment: readonly string[];
}

export type RunMount =
  | {
      readonly kind: 'bind';
      readonly target: string;
      readonly from: StepId;
      readonly source: string;
      readonly isWritable: boolean;
    }
  | {
      readonly kind: 'cache';
      readonly target: string;
      readonly id: string;
      readonly isWritable: boolean;
      readonly sharing: 'shared' | 'private' | 'locked';
      /** What an empty cache begins with. */
      readonly from: StepId | undefined;
      readonly source: string;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    }
  | { readonly kind: 'tmpfs'; readonly target: string; readonly sizeBytes: number | undefined }
  | {
      readonly kind: 'secret';
      /** Absent: only in the environment. */
      readonly target: string | undefined;
      readonly environmentName: string | undefined;
      readonly id: string;
      readonly isRequired: boolean;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    }
  | {
      readonly kind: 'ssh';
      readonly target: string;
      readonly id: string;
      readonly isRequired: boolean;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    };

/** Changes to a tree made without running anything in it: COPY, ADD, WORKDIR, heredocs. */
export interface FilesStep extends StepFacts {
  readonly kind: 'files';
  /** Undefined: over an empty tree (`COPY --link`, see MergeStep). */
  readonly root: StepId | undefined;
  readonly actions: readonly FileAction[];
}

export type FileAction = CopyAction | WriteAction | MakeFolderAction;

/** `user:group` as written, by name or number, looked up in the step's own root; '' keeps root's. */
export type Owner = string;

export interface CopyAction {
  readonly kind: 'copy';
  readonly from: StepId;
  /** In `from`; wildcards of filepath.Match. Missing ones are an error unless they have wildcards. */
  readonly sources: readonly string[];
  /** Absolute; one that ends with `/` is a folder. */
  readonly target: string;
  /** `0755`, `u+x`, or '' for the source's own. */
  readonly mode: string;
  readonly owner: Owner;
  readonly excludes: readonly string[];
  /** Keep the sources' parent folders (`--parents`), from the pivot `./` on. */
  readonly keepsParents: boolean;
  /** Local tars are unpacked (ADD), compressed ones too. */
  readonly unpacks: boolean;
  /** `--link`: the target's own links are not followed. */
  readonly isLinked: boolean;
}

export interface WriteAction extends InlineFile {
  readonly kind: 'write';
  readonly mode: string;
  readonly owner: Owner;
}

export interface InlineFile {
  /** Absolute, or for RUN a name. */
  readonly path: string;
  readonly content: string;
}

export interface MakeFolderAction {
  readonly kind: 'make-folder';
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  readonly owner: Owner;
}

/** Trees laid over each other, lowest first (`COPY --link`). */
export interface MergeStep extends StepFacts {
  readonly kind: 'merge';
  readonly layers: readonly StepId[];
}
