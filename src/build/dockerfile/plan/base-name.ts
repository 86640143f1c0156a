/** Names of images in FROM and `--from`: their full form, and what is to be said about them. Pure. */
import { messageOf, SkiffError } from '#base';
import { fullName, parseReference } from '#registry';
import { expandWord } from '../expand/expand.ts';
import { errors } from '../errors.ts';
import { finding, type LintFinding } from '../lint/linter.ts';
import type { Dockerfile, FromInstruction } from '../parse/instruction.ts';
import type { GlobalArgs } from './global-args.ts';

/** The name of no image at all. */
export const SCRATCH = 'scratch';

/** `docker.io/library/alpine:latest`. Throws `dockerfile.badBase`. */
export function imageName(name: string): string {
  try {
    const { tag, digest } = parseReference(name);
    return tag === undefined && digest === undefined ? `${fullName(name)}:latest` : fullName(name);
  } catch (error) {
    throw errors.badBase(name, messageOf(error));
  }
}

/** As `imageName`; undefined for what is no name of an image. */
export function imageNameOf(name: string): string | undefined {
  try {
    return imageName(name);
  } catch (error) {
    if (error instanceof SkiffError) return undefined;
    throw error;
  }
}

/** Whether the base can only be built with `--build-arg`. */
export function defaultBaseFindings(
  from: FromInstruction,
  dockerfile: Dockerfile,
  { defaults }: GlobalArgs,
): LintFinding[] {
  if (!from.base.includes('$')) return [];
  try {
    const { text } = expandWord(from.base, (name) => defaults.get(name), { escape: dockerfile.directives.escape });
    if (text !== '' && imageNameOf(text) !== undefined) return [];
  } catch (error) {
    if (!(error instanceof SkiffError)) throw error;
  }
  const detail = `Default value for ARG ${from.base} results in empty or invalid base image name`;
  return [finding('InvalidDefaultArgInFrom', from, detail)];
}
