/** `skiff push`: an image to a registry. */
import { authHeaderFor, CredentialStore, parseReference } from '#registry/credentials';
import { defineCommand } from '../command.ts';
import { errors } from '../errors.ts';
import { contentTrust, text, toggle } from '../flag-types.ts';
import { showProgress } from '../output/progress.ts';

export const push = defineCommand({
  usage: '[OPTIONS] NAME[:TAG]',
  summary: 'Give an image to a registry',
  flags: {
    'all-tags': toggle({ short: 'a', help: 'All tags of the repository' }),
    'disable-content-trust': contentTrust(),
    platform: text({ help: 'Only the image for this platform, such as linux/amd64' }),
    quiet: toggle({ short: 'q', help: 'Only the name when it is there' }),
  },
  arguments: [1, 1],
  run: async (context, { flags, args: [text = ''] }) => {
    const parsed = parseReference(text);
    const { name, host, path, tag } = parsed;
    const allTags = flags['all-tags'];
    if (allTags && tag !== undefined) throw errors.invalid("tag can't be used with --all-tags/-a");
    if (!allTags && tag === undefined && !flags.quiet) context.print('Using default tag: latest');
    const auth = await authHeaderFor(new CredentialStore(context.environment), parsed);
    const reference = allTags ? name : `${name}:${tag ?? 'latest'}`;
    const options = { auth, allTags, platform: flags.platform || undefined };
    await context.client().images.push(reference, options, flags.quiet ? () => {} : showProgress(context.stdout));
    if (flags.quiet) context.print(`${host}/${path}${allTags ? '' : `:${tag ?? 'latest'}`}`);
    return 0;
  },
});
