/** `--seccomp-profile`: the filter of containers that name none. */
import { readFileSync } from 'node:fs';
import { messageOf } from '#base';
import type { DaemonSettings } from '#engine';
import { parseSeccompProfile } from '#runtime';
import { errors } from './errors.ts';

/** compat: empty and `default` are the built-in one. Throws `daemon.badFlag` naming the file, and what is wrong in it. */
export function seccompOption(given: string): {
  readonly name: string;
  readonly choice: DaemonSettings['seccomp'];
} {
  if (given === '' || given === 'builtin' || given === 'default')
    return { name: 'builtin', choice: { kind: 'default' } };
  if (given === 'unconfined') return { name: given, choice: { kind: 'unconfined' } };
  try {
    const text = readFileSync(given, 'utf8');
    parseSeccompProfile(text);
    return { name: given, choice: { kind: 'profile', text } };
  } catch (error) {
    throw errors.badFlag(`opening seccomp profile (${given}) failed: ${messageOf(error)}`);
  }
}
