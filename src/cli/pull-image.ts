/** Pulls an image with the user's own credentials, for `pull` and for `run` and `create` of what is not there. */
import type { CommandContext, TerminalOutput } from './command.ts';
import { errors } from './errors.ts';
import { showProgress } from './output/progress.ts';

export interface PullImage {
  readonly platform: string;
  readonly allTags: boolean;
  readonly quiet: boolean;
  /** For a container that wants the image: nobody asked how its tag was found. */
  readonly implied?: boolean;
  readonly output: TerminalOutput;
}

export async function pullImage(context: CommandContext, text: string, options: PullImage): Promise<void> {
  const { platform, allTags, quiet, output, implied = false } = options;
  context.files.require();
  // Loaded when it is needed: `run` of an image that is there does without.
  const { authHeaderFor, CredentialStore, parseReference } = await import('#registry/credentials');
  const parsed = parseReference(text);
  const { name, host, tag, digest } = parsed;
  if (allTags && (tag !== undefined || digest !== undefined)) {
    throw errors.invalid("tag can't be used with --all-tags/-a");
  }
  const label = digest === undefined ? `:${tag ?? 'latest'}` : `@${digest}`;
  const reference = allTags ? name : name + label;
  if (!allTags && tag === undefined && digest === undefined && !quiet && !implied) {
    output.write('Using default tag: latest\n');
  }
  const auth = await authHeaderFor(new CredentialStore(context.environment), parsed);
  await context
    .client()
    .images.pull(
      reference,
      { platform: platform || undefined, allTags, auth },
      quiet ? () => {} : showProgress(output),
    );
  if (implied) return;
  // compat: the full name, with the registry's host.
  const path = host === 'docker.io' && !name.includes('/') ? `library/${name}` : name;
  output.write(`${host === 'docker.io' ? `docker.io/${path}` : name}${allTags ? '' : label}\n`);
}
