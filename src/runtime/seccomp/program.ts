/**
 * From `linux.seccomp` to the bytes of seccomp(2), and the memory that keeps a container's start from compiling
 * the same profile again.
 */
import { type HostFacts, kernelAtLeast, syscallTables } from '#linux';
import type { Seccomp } from '#specs';
import { compileSeccomp, encodeClassic, seccompFlags } from '#wire';
import { errors } from './errors.ts';
import { parseSeccompProfile, type SeccompProfile } from './profile.ts';
import { nativeArchitecture, resolveProfile, type SeccompContext } from './resolve.ts';

/** What a plan's SECCOMP operation takes. */
export interface CompiledSeccomp {
  /** SECCOMP_FILTER_FLAG_ bits, the listener's included when there is one. */
  readonly flags: number;
  /** Encoded struct sock_filter instructions. */
  readonly program: Uint8Array;
  /** With SCMP_ACT_NOTIFY: where the notify fd goes. */
  readonly listener?: { readonly path: string; readonly metadata: string };
  /** Names of the profile that no architecture of the filter knows; they were skipped. */
  readonly unknownSyscalls: readonly string[];
}

/**
 * Compiles the seccomp object of a config. `arch` and `kernel` are those of SeccompContext. Throws `seccomp.*` and
 * `bpf.*` errors of kind invalid.
 */
export function compileFilter(
  config: Seccomp,
  { arch, kernel }: Omit<SeccompContext, 'capabilities'>,
): CompiledSeccomp {
  const compiled = compileSeccomp(config, nativeArchitecture(arch), syscallTables);
  const program = encodeClassic(compiled.instructions);
  const { unknownSyscalls } = compiled;
  const flags = config.flags ? compiled.flags : defaultFlags(kernel);
  if (!compiled.notifies) return { flags, program, unknownSyscalls };
  if (!config.listenerPath) throw errors.noListener();
  return {
    flags: flags | (seccompFlags['SECCOMP_FILTER_FLAG_NEW_LISTENER'] ?? 0),
    program,
    listener: { path: config.listenerPath, metadata: config.listenerMetadata ?? '' },
    unknownSyscalls,
  };
}

/** compat: runc sets SPEC_ALLOW when a config has no `flags` at all. kernel: the flag came with 4.17. */
function defaultFlags(kernel: HostFacts['kernel']): number {
  return kernelAtLeast({ kernel }, 4, 17) ? (seccompFlags['SECCOMP_FILTER_FLAG_SPEC_ALLOW'] ?? 0) : 0;
}

/** User-given profiles kept parsed; they are some ten KiB each. */
const TEXTS = 16;
/** Programs kept per profile: combinations of capabilities that the profile looks at. */
const PROGRAMS = 64;

/** Compiled filters by profile and by what the profile's conditions depend on. One per daemon. */
export class SeccompCache {
  readonly #programs = new WeakMap<SeccompProfile, Map<string, CompiledSeccomp>>();
  readonly #mentioned = new WeakMap<SeccompProfile, readonly string[]>();
  readonly #texts = new Map<string, SeccompProfile>();

  /** Parses and checks a profile's text once. */
  profile(text: string): SeccompProfile {
    return recall(this.#texts, text, TEXTS, () => parseSeccompProfile(text));
  }

  /** The compiled filter of a profile, which must not change afterwards: it is known by identity. */
  program(profile: SeccompProfile, context: SeccompContext): CompiledSeccomp {
    let programs = this.#programs.get(profile);
    if (programs === undefined) this.#programs.set(profile, (programs = new Map()));
    const { arch, kernel, capabilities } = context;
    const relevant = this.#capabilitiesOf(profile).filter((name) => capabilities.includes(name));
    const key = `${arch} ${kernel.major}.${kernel.minor} ${relevant.join(',')}`;
    return recall(programs, key, PROGRAMS, () => compileFilter(resolveProfile(profile, context), context));
  }

  /** The capabilities that a profile's conditions mention; all others make no difference. */
  #capabilitiesOf(profile: SeccompProfile): readonly string[] {
    let names = this.#mentioned.get(profile);
    if (names === undefined) {
      const rules = profile.syscalls ?? [];
      const all = rules.flatMap(({ includes, excludes }) => [...(includes?.caps ?? []), ...(excludes?.caps ?? [])]);
      this.#mentioned.set(profile, (names = [...new Set(all)].sort()));
    }
    return names;
  }
}

/** Looks up or makes; beyond `limit` the entry that was not used for longest is dropped. */
function recall<Value>(map: Map<string, Value>, key: string, limit: number, make: () => Value): Value {
  const value = map.get(key) ?? make();
  map.delete(key);
  map.set(key, value);
  if (map.size > limit) {
    const [oldest] = map.keys();
    if (oldest !== undefined) map.delete(oldest);
  }
  return value;
}
