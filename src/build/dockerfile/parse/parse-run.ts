/** RUN: flags, command, heredocs; and the two forms of a command. Pure. */
import { errors } from '../errors.ts';
import { type FlagKinds, Flags, type FlaggedText } from './flags.ts';
import type { Command, Heredoc, RunInstruction, Statement } from './instruction.ts';
import { checkMount } from './mount-fields.ts';
import { jsonWords } from './words.ts';

const RUN: FlagKinds = { mount: 'list', network: 'text', security: 'text', device: 'list' };
const NETWORKS = ['default', 'none', 'host'] as const;

/** Throws what `Flags` and `checkMount` throw, `dockerfile.badNetwork`, `.badSecurity`, `.noDevices`. */
export function parseRun(
  statement: Statement,
  { flags: texts, rest }: FlaggedText,
  heredocs: readonly Heredoc[],
): RunInstruction {
  const flags = new Flags(texts, RUN);
  const mounts = flags.list('mount');
  for (const mount of mounts) checkMount(mount);
  const [device] = flags.list('device');
  if (device !== undefined) throw errors.noDevices(device);
  const command = parseCommand(rest);
  if (heredocs.length > 0 && command.form === 'exec') throw errors.commandHeredoc(command.words.join(' '));
  return {
    ...statement,
    kind: 'run',
    command,
    heredocs,
    mounts,
    network: networkOf(flags.text('network')),
    isPrivileged: isInsecure(flags.text('security')),
  };
}

/** compat: what is not quite JSON is a line for the shell. Throws `dockerfile.notStrings`. */
export function parseCommand(rest: string): Command {
  const words = jsonWords(rest);
  return words ? { form: 'exec', words } : { form: 'shell', line: rest };
}

function networkOf(mode: string): RunInstruction['network'] {
  const word = mode.toLowerCase();
  const network = NETWORKS.find((name) => name === (word || 'default'));
  if (!network) throw errors.badNetwork(mode);
  return network;
}

function isInsecure(mode: string): boolean {
  const word = mode.toLowerCase();
  if (!['', 'sandbox', 'insecure'].includes(word)) throw errors.badSecurity(mode);
  return word === 'insecure';
}
