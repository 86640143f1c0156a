/** `skiff manifest inspect`: the manifest or index of an image, asked of its registry without a daemon. */
import { createLog } from '#base';
import {
  CredentialStore,
  defaultRegistryConfig,
  openRegistryClient,
  parseReference,
  proxiesFromEnvironment,
  type Reference,
  type RemoteImage,
  serverKeyOf,
} from '#registry';
import { type Descriptor, formatJson64, type Platform, parseJson64, platformJson } from '#specs';
import { defineCommand } from '../command.ts';
import { CommandFailure, exitCode, isKind } from '../errors.ts';
import { toggle } from '../flag-types.ts';
import { packageVersion } from '../package.ts';

export const manifestInspect = defineCommand({
  usage: '[OPTIONS] MANIFEST',
  summary: "Show an image's manifest or index as its registry has it",
  flags: {
    insecure: toggle({ help: 'Allow a registry without TLS, or with any certificate' }),
    verbose: toggle({ short: 'v', help: 'With descriptors and platforms, one entry per platform' }),
  },
  arguments: [1, 1],
  run: async (context, { flags, args: [name = ''] }) => {
    const reference = parseReference(name);
    const auth = await new CredentialStore(context.environment).get(serverKeyOf(reference.host));
    await using registries = openRegistryClient(
      {
        ...defaultRegistryConfig,
        insecureRegistries: flags.insecure ? [reference.host] : [],
        proxies: proxiesFromEnvironment(context.environment),
        userAgent: `skiff/${packageVersion()}`,
      },
      createLog('error', (line) => context.stderr.write(line)),
    );
    const read = (what: Reference): Promise<RemoteImage> => registries.inspect(what, { auth });
    const image = await found(() => read(reference), name);
    const shown = flags.verbose ? await verbose(image, reference, read) : plain(image);
    context.print(shown);
    return 0;
  },
});

async function found<T>(read: () => Promise<T>, name: string): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (isKind(error, 'not-found')) throw new CommandFailure(`no such manifest: ${name}`, exitCode.failed);
    throw error;
  }
}

/** compat: a manifest is shown as it is, an index as Docker's list of platforms. */
function plain({ bytes, manifest }: RemoteImage): string {
  if (manifest.kind === 'manifest') return formatJson64(parseJson64(bytes.toString('utf8')), '\t');
  const { mediaType, manifests } = manifest;
  return JSON.stringify({ schemaVersion: 2, mediaType, manifests: manifests.map(entryOf) }, null, 3);
}

/** compat: one object for a manifest, a list of them for an index. */
async function verbose(
  image: RemoteImage,
  reference: Reference,
  read: (reference: Reference) => Promise<RemoteImage>,
): Promise<string> {
  const { name, tag, digest } = reference;
  const fullName = digest === undefined ? `${name}:${tag ?? 'latest'}` : `${name}@${digest}`;
  if (image.manifest.kind === 'manifest') {
    const [platform] = image.platforms;
    return JSON.stringify(objectOf(fullName, image, platform), null, '\t');
  }
  const all: object[] = [];
  for (const entry of image.manifest.manifests) {
    const each = await read({ ...reference, tag: undefined, digest: entry.digest });
    all.push(objectOf(`${fullName}@${entry.digest}`, each, entry.platform));
  }
  return JSON.stringify(all, null, '\t');
}

function objectOf(ref: string, { descriptor, bytes }: RemoteImage, platform: Platform | undefined): object {
  const { mediaType, digest, size } = descriptor;
  const key = mediaType.startsWith('application/vnd.docker.') ? 'SchemaV2Manifest' : 'OCIManifest';
  return {
    Ref: ref,
    Descriptor: { mediaType, digest, size, ...(platform ? { platform: platformJson(platform) } : {}) },
    Raw: bytes.toString('base64'),
    [key]: JSON.parse(bytes.toString('utf8')) as unknown,
  };
}

function entryOf({ mediaType, digest, size, platform }: Descriptor): object {
  return { mediaType, size, digest, ...(platform ? { platform: platformJson(platform) } : {}) };
}
