/** `--health-*` and `--no-healthcheck` → the Healthcheck of a create body. */
import type { HealthcheckBody } from '#specs';
import { errors } from '../errors.ts';

export interface HealthFlags {
  readonly 'health-cmd': string;
  readonly 'health-interval': number | undefined;
  readonly 'health-timeout': number | undefined;
  readonly 'health-start-period': number | undefined;
  readonly 'health-start-interval': number | undefined;
  readonly 'health-retries': number | undefined;
  readonly 'no-healthcheck': boolean;
}

/** Undefined when nothing was said. Throws `cli.invalid` in the words of Docker's client. */
export function healthcheckOf(flags: HealthFlags): HealthcheckBody | undefined {
  const times = {
    Interval: flags['health-interval'] ?? 0,
    Timeout: flags['health-timeout'] ?? 0,
    StartPeriod: flags['health-start-period'] ?? 0,
    StartInterval: flags['health-start-interval'] ?? 0,
    Retries: flags['health-retries'] ?? 0,
  };
  const isSaid = flags['health-cmd'] !== '' || Object.values(times).some((value) => value !== 0);
  if (flags['no-healthcheck']) {
    if (isSaid) throw errors.invalid('--no-healthcheck conflicts with --health-* options');
    return { Test: ['NONE'] };
  }
  if (!isSaid) return undefined;
  const names = { Interval: 'interval', Timeout: 'timeout', Retries: 'retries' } as const;
  for (const [key, name] of Object.entries({
    ...names,
    StartPeriod: 'start-period',
    StartInterval: 'start-interval',
  })) {
    if (times[key as keyof typeof times] < 0) throw errors.invalid(`--health-${name} cannot be negative`);
  }
  return { ...(flags['health-cmd'] === '' ? {} : { Test: ['CMD-SHELL', flags['health-cmd']] }), ...times };
}
