/** Build contexts: what `--build-context NAME=VALUE` and the main context can be. Pure. */
import { formatPlatform, type Platform } from '#specs';
import { errors } from '../errors.ts';
import { imageName, imageNameOf } from './base-name.ts';
import { type GitSource, parseGitUrl } from './git-url.ts';

export type ContextSource =
  /** `reference`: a full name, or `oci-layout://…`. */
  | { readonly kind: 'image'; readonly reference: string }
  /** What another build has made. */
  | { readonly kind: 'result'; readonly input: string }
  | { readonly kind: 'git'; readonly git: GitSource }
  | { readonly kind: 'http'; readonly url: string }
  /** Files the client has under this name. */
  | { readonly kind: 'local'; readonly name: string };

/** Throws `dockerfile.badContext`, `.unlinked`, `.gitUrl`, `.badBase`. */
export function parseContext(name: string, value: string): ContextSource {
  const [, scheme, rest] = /^([a-z-]+):([^]*)$/.exec(value) ?? [];
  if (scheme === 'docker-image') return { kind: 'image', reference: imageName(rest!.replace(/^\/\//, '')) };
  if (scheme === 'oci-layout') return { kind: 'image', reference: value };
  if (scheme === 'local' && rest !== '') return { kind: 'local', name: rest! };
  if (scheme === 'input' && rest !== '') return { kind: 'result', input: rest! };
  // compat: buildx makes an input of it, where both targets are built by one call.
  if (scheme === 'target') throw errors.unlinked(name, value);
  const git = parseGitUrl(value);
  if (git) return { kind: 'git', git };
  if (/^https?:\/\/./i.test(value)) return { kind: 'http', url: value };
  throw errors.badContext(name, value);
}

/** `app.tar` of `https://host/app.tar?v=2`. compat: BuildKit's name where the URL has none. */
export function fileNameOf(url: string): string {
  const path = /^https?:\/\/[^/?#]*([^?#]*)/i.exec(url)?.[1] ?? '';
  const last = path.replace(/\/+$/, '').split('/').at(-1) ?? '';
  const name = decoded(last);
  return name === '' || name === '.' || name === '..' || name.includes('/') ? '__unnamed__' : name;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export class NamedContexts {
  readonly #values: Readonly<Record<string, string>>;

  constructor(values: Readonly<Record<string, string>>) {
    this.#values = values;
  }

  /** In place of a stage of this name. Throws as `parseContext`. */
  forStage(name: string, platform: Platform): ContextSource | undefined {
    return this.#find(platform, (key) => key.toLowerCase() === name.toLowerCase());
  }

  /** In place of an image of this name, with or without its tag, or of a `--from` that names no stage. */
  forImage(name: string, platform: Platform): ContextSource | undefined {
    const full = imageNameOf(name);
    return this.#find(platform, (key) => key === name || (full !== undefined && imageNameOf(key) === full));
  }

  #find(platform: Platform, isWanted: (name: string) => boolean): ContextSource | undefined {
    const entries = Object.entries(this.#values).map(([key, value]) => {
      const [name = '', forPlatform] = key.split('::');
      return { name, forPlatform, value };
    });
    const wanted = entries.filter(({ name }) => isWanted(name) && name !== 'scratch' && name !== 'context');
    const exact = wanted.find(({ forPlatform }) => forPlatform === formatPlatform(platform));
    const found = exact ?? wanted.find(({ forPlatform }) => forPlatform === undefined);
    return found && parseContext(found.name, found.value);
  }
}
