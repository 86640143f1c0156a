/** What a health check asks for, and what its results make of a container. Pure: no timers, no clock, no processes. */
import type { Healthcheck } from '#specs';
import { errors } from '../errors.ts';

export type HealthStatus = 'starting' | 'healthy' | 'unhealthy';

export interface ProbeResult {
  /** RFC 3339 with nanoseconds. */
  readonly start: string;
  readonly end: string;
  /** 0 healthy, -1 no answer in time or not started, anything else unhealthy. */
  readonly exitCode: number;
  readonly output: string;
}

export interface Health {
  readonly status: HealthStatus;
  readonly failingStreak: number;
  /** Oldest first. */
  readonly log: readonly ProbeResult[];
}

/** A check with every default filled in. Milliseconds. */
export interface Probe {
  readonly args: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly startPeriodMs: number;
  readonly startIntervalMs: number;
  readonly retries: number;
}

/** compat: moby's defaults, and how many results it keeps. */
const DEFAULT_INTERVAL_MS = 30_000;
const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_START_INTERVAL_MS = 5000;
const DEFAULT_RETRIES = 3;
const RESULTS_KEPT = 5;
const NS_PER_MS = 1_000_000;

/** compat: whatever the container does not say is the image's; `NONE` switches the image's check off. */
export function mergeHealthcheck(
  own: Healthcheck | undefined,
  image: Healthcheck | undefined,
): Healthcheck | undefined {
  if (!own) return image;
  if (!image) return own;
  return {
    test: own.test.length > 0 ? own.test : image.test,
    interval: own.interval || image.interval,
    timeout: own.timeout || image.timeout,
    startPeriod: own.startPeriod || image.startPeriod,
    startInterval: own.startInterval || image.startInterval,
    retries: own.retries || image.retries,
  };
}

/** Throws `container.invalid` in Docker's words. */
export function checkHealthcheck(check: Healthcheck): void {
  const times = {
    Interval: check.interval,
    Timeout: check.timeout,
    StartPeriod: check.startPeriod,
    StartInterval: check.startInterval,
  };
  for (const [name, ns] of Object.entries(times)) {
    if (ns !== 0 && ns < NS_PER_MS) throw errors.invalid(`${name} in Healthcheck cannot be less than 1ms`);
  }
  if (check.retries < 0) throw errors.invalid('Retries in Healthcheck cannot be negative');
}

/** What to run and when; undefined for no check, `NONE`, and forms nobody knows. `shell` is the image's; empty: sh. */
export function probeOf(check: Healthcheck | undefined, shell: readonly string[]): Probe | undefined {
  const [kind, ...words] = check?.test ?? [];
  if (!check || words.length === 0 || (kind !== 'CMD' && kind !== 'CMD-SHELL')) return undefined;
  const ms = (ns: number, byDefault: number): number => (ns === 0 ? byDefault : ns / NS_PER_MS);
  return {
    args: kind === 'CMD' ? words : [...(shell.length > 0 ? shell : ['/bin/sh', '-c']), ...words],
    intervalMs: ms(check.interval, DEFAULT_INTERVAL_MS),
    timeoutMs: ms(check.timeout, DEFAULT_TIMEOUT_MS),
    startPeriodMs: ms(check.startPeriod, 0),
    startIntervalMs: ms(check.startInterval, DEFAULT_START_INTERVAL_MS),
    retries: check.retries === 0 ? DEFAULT_RETRIES : check.retries,
  };
}

/** A container that has just been started. What was found in earlier runs stays to be read. */
export function healthAtStart(before: Health | undefined): Health {
  return { status: 'starting', failingStreak: 0, log: before?.log ?? [] };
}

/** The pause before the next probe: shorter while a container in its start period has not been healthy yet. */
export function probeDelayMs(probe: Probe, status: HealthStatus, sinceStartMs: number): number {
  const isStarting = status === 'starting' && sinceStartMs < probe.startPeriodMs;
  return isStarting ? probe.startIntervalMs : probe.intervalMs;
}

/** compat: failures in the start period do not count, until the first success. `sinceStartMs` is the probe's begin. */
export function healthAfter(before: Health, result: ProbeResult, probe: Probe, sinceStartMs: number): Health {
  const log = [...before.log, result].slice(-RESULTS_KEPT);
  if (result.exitCode === 0) return { status: 'healthy', failingStreak: 0, log };
  if (before.status === 'starting' && sinceStartMs < probe.startPeriodMs) return { ...before, log };
  const failingStreak = before.failingStreak + 1;
  return { status: failingStreak >= probe.retries ? 'unhealthy' : before.status, failingStreak, log };
}

/** compat: nobody looks any more, so it counts as unhealthy. */
export function healthAtEnd(before: Health): Health {
  return { ...before, status: 'unhealthy' };
}

/** As Go prints a duration: `500ms`, `1.5s`, `1m30s`, `1h0m0s`. */
export function goDuration(ms: number): string {
  if (ms < 1000) return `${ms}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor(ms / 60_000) % 60;
  const seconds = (ms % 60_000) / 1000;
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}s`;
}
