/** What `POST /build` has that the classic builder had not: outputs, caches, statements, and a session beside the request. */
import { messageOf } from '#base';
import { type DockerfileWork, plainForm, readAttestWish } from '#build';
import type { AuthConfig } from '#registry';
import { formatPlatform } from '#specs';
import type { BuildKitDoor } from './buildkit.ts';
import type { BuildQuery } from './build-query.ts';

type ExtraWork = Pick<DockerfileWork, 'exports' | 'signal'> &
  Partial<Pick<DockerfileWork, 'cacheExports' | 'hasInlineCache' | 'attest' | 'onExport'>>;

interface ExtraParts {
  readonly credentialsOf: (host: string) => AuthConfig;
  readonly stream: (text: string) => void;
  readonly signal: AbortSignal;
}

/**
 * What a build has that the classic builder had not; without any of it BuildKit's part is not even loaded. Nothing is told
 * before `openCaches`. Throws `buildkit.*` and `build.badAttestation` for what cannot be had.
 */
export async function openExtras(
  buildKit: BuildKitDoor,
  query: BuildQuery,
  { credentialsOf, stream, signal }: ExtraParts,
) {
  const { names, sessionId, outputs, cacheExports, cacheImports, attests, isQuiet } = query;
  const store = { kind: 'store', names, form: plainForm(names) } as const;
  const lists = [outputs, cacheExports, cacheImports];
  if (sessionId === '' && lists.every(({ length }) => length === 0) && Object.keys(attests).length === 0) {
    const work: ExtraWork = { exports: [store], signal };
    return { work, gifts: undefined, openCaches: async () => [] };
  }
  const say = (text: string): void => {
    if (!isQuiet) stream(`${text}\n`);
  };
  const during = async <Result>(name: string, work: (tell: (what: string) => void) => Promise<Result>) => {
    say(name);
    return work((what) => say(` ---> ${what}`));
  };
  const progress = {
    during: <Result>(name: string, work: (vertex: string) => Promise<Result>): Promise<Result> =>
      during(name, async (tell) => {
        try {
          return await work('');
        } catch (error) {
          tell(messageOf(error));
          throw error;
        }
      }),
  };
  const door = await buildKit();
  const request = { sessionId, outputs, cacheExports, cacheImports, credentialsOf, signal };
  const { exports, gifts, openCaches, ...opened } = await door.openBuild(request);
  const attributes = attributesOf(query);
  const work: ExtraWork = {
    ...opened,
    exports: exports.length === 0 && outputs.length === 0 ? [store] : exports,
    attest: { wish: readAttestWish(attributes), attributes, invocationId: sessionId },
    onExport: { during },
  };
  return {
    work,
    gifts,
    openCaches: () => openCaches(progress),
  };
}

/** What was asked for, as a front end's attributes are called. */
export function attributesOf(query: BuildQuery): Record<string, string> {
  const { dockerfile, target, remote } = query;
  return {
    ...prefixed('attest:', query.attests),
    ...prefixed('build-arg:', query.buildArgs),
    ...prefixed('label:', query.labels),
    filename: dockerfile,
    ...(target === '' ? {} : { target }),
    ...(remote === '' ? {} : { context: remote }),
    // compat: what the folder is called is the client's to tell.
    ...(query.contextName === '' ? {} : { 'vcs:localdir:context': query.contextName }),
    ...(query.platforms.length > 1 ? { platform: query.platforms.map(formatPlatform).join(',') } : {}),
  };
}

const prefixed = (prefix: string, values: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]));
