/** `--security-opt`. */
import type { HostSettings } from './container-settings.ts';
import { errors } from './errors.ts';

export type SeccompChoice =
  | { readonly kind: 'default' }
  | { readonly kind: 'unconfined' }
  | { readonly kind: 'profile'; readonly text: string };

/** Throws `container.invalid` for a key nobody knows and `container.notSupported` for one this version lacks. */
export function checkSecurityOptions(options: readonly string[]): void {
  for (const option of options) {
    const [key, value = ''] = split(option);
    if (key === 'no-new-privileges') {
      if (!['', 'true', 'false'].includes(value)) throw errors.invalid(`invalid --security-opt 2: "${option}"`);
    } else if (key === 'apparmor' || key === 'label') {
      const harmless = value === 'unconfined' || value === 'disable';
      if (!harmless) throw errors.notSupported(`--security-opt ${key}=${value}`, `only ${key} unconfined or disable`);
    } else if (key !== 'seccomp' && option !== 'systempaths=unconfined') {
      throw errors.invalid(`invalid --security-opt 2: "${option}"`);
    }
  }
}

/** compat: privileged containers get no filter unless one is named, others the daemon's. */
export function seccompChoice(
  { securityOptions: options, privileged }: Pick<HostSettings, 'securityOptions' | 'privileged'>,
  byDefault: SeccompChoice,
): SeccompChoice {
  const option = options.findLast((each) => split(each)[0] === 'seccomp');
  if (option === undefined) return privileged ? { kind: 'unconfined' } : byDefault;
  const value = split(option)[1] ?? '';
  if (value === 'unconfined') return { kind: 'unconfined' };
  return value === 'builtin' ? { kind: 'default' } : { kind: 'profile', text: value };
}

/** compat: `key=value`, or the older `key:value`. */
function split(option: string): [string, string?] {
  const at = option.search(/[=:]/);
  return at < 0 ? [option] : [option.slice(0, at), option.slice(at + 1)];
}
