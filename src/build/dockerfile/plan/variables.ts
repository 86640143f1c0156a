/** Variables of a stage: ENV, ARG, and what is known of both. compat: ENV beats an ARG of the same name. */

/** `BUILDKIT_SBOM_…` steer the inventory; they are no part of a program's environment. */
const UNSEEN = new Set(['BUILDKIT_SBOM_SCAN_CONTEXT', 'BUILDKIT_SBOM_SCAN_STAGE']);

export class Variables {
  readonly #env = new Map<string, string>();
  readonly #args: Map<string, string>;
  /** ARGs of this stage, in their order, with or without a value. */
  readonly #declared = new Map<string, string | undefined>();

  /** `env`: `NAME=value` of the base image; `inherited`: the variables of the stage it is built from. */
  constructor(env: readonly string[], inherited: Variables | undefined) {
    for (const entry of env) {
      const at = entry.indexOf('=');
      this.#env.set(at < 0 ? entry : entry.slice(0, at), at < 0 ? '' : entry.slice(at + 1));
    }
    this.#args = new Map(inherited === undefined ? [] : inherited.#args);
  }

  readonly valueOf = (name: string): string | undefined => this.#env.get(name) ?? this.#visibleArg(name);

  setEnv(name: string, value: string): void {
    this.#env.set(name, value);
  }

  declare(name: string, value: string | undefined): void {
    this.#declared.set(name, value);
    if (value !== undefined) this.#args.set(name, value);
  }

  isDeclared(name: string): boolean {
    return this.#declared.has(name);
  }

  names(): string[] {
    return [...this.#env.keys(), ...this.#args.keys()];
  }

  /** For the image's config. */
  get env(): string[] {
    return [...this.#env].map(([name, value]) => `${name}=${value}`);
  }

  /** For a program that is run: ARGs too. */
  get environment(): string[] {
    const args = [...this.#args].filter(([name]) => !this.#env.has(name) && !UNSEEN.has(name));
    return [...this.env, ...args.map(([name, value]) => `${name}=${value}`)];
  }

  /** `|2 A=1 B=2 `, as histories begin a RUN with; '' without ARGs. */
  get historyPrefix(): string {
    if (this.#declared.size === 0) return '';
    const words = [...this.#declared].map(([name, value]) => `${name}=${this.valueOf(name) ?? value ?? ''}`);
    return `|${words.length} ${words.join(' ')} `;
  }

  #visibleArg(name: string): string | undefined {
    return UNSEEN.has(name) ? undefined : this.#args.get(name);
  }

  /** An ARG's value, also of those a program does not see. */
  argOf(name: string): string | undefined {
    return this.#args.get(name);
  }
}
