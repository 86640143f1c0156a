/**
 * Keys of steps: what a step does and what it reads, as one digest. Pure.
 *
 * Names for people, the source lines and proxies take no part. A step that reads files by content has two keys: one of where
 * they come from, which costs nothing, and one of what they are.
 */
import { type Digest, digestOf } from '#base';
import type { FileAction, FilesStep, HttpStep, RunMount, RunStep } from '../graph.ts';

/** Raised when what a key means changes. */
const VERSION = 1;

export interface KeyInputs {
  /** What the step does, without the numbers of other steps. */
  readonly definition: unknown;
  /** Identity of the tree it works on; '' for an empty one. */
  readonly root: string;
  /** Of each tree it reads, in the order it names them. */
  readonly sources: readonly string[];
}

export function stepKey(inputs: KeyInputs): Digest {
  return digestOf(JSON.stringify([VERSION, inputs.definition, inputs.root, inputs.sources]));
}

/** What a RUN step does. */
export function runDefinition(step: RunStep): unknown {
  const { argv, environment, workingDirectory, user, network, isPrivileged, heredocs, hostname = '' } = step;
  const mounts = step.mounts.map(mountDefinition);
  return ['run', argv, environment, workingDirectory, user, network, isPrivileged, heredocs, hostname, mounts];
}

/** The trees its mounts show. compat: what a cache begins with and what secrets hold make no difference. */
export function runSources(step: RunStep): (RunMount & { readonly kind: 'bind' })[] {
  return step.mounts.filter((mount) => mount.kind === 'bind');
}

function mountDefinition(mount: RunMount): unknown {
  switch (mount.kind) {
    case 'bind': {
      const { kind, target, isWritable } = mount;
      return [kind, target, isWritable];
    }
    case 'cache': {
      const { kind, target, id, isWritable, mode, uid, gid } = mount;
      return [kind, target, id, isWritable, mode, uid, gid];
    }
    default:
      return mount;
  }
}

/** What a files step does. */
export function filesDefinition(step: FilesStep): unknown {
  return ['files', ...step.actions.map(actionDefinition)];
}

function actionDefinition(action: FileAction): unknown {
  if (action.kind !== 'copy') return action;
  const { from: _, sources: __, excludes: ___, ...rest } = action;
  // What is taken is in the digest of its content; that a folder's files are meant rather than itself is too.
  return rest;
}

export function httpDefinition({ url, fileName, checksum }: HttpStep, digest: string): unknown {
  return ['http', url, fileName, checksum, digest];
}
