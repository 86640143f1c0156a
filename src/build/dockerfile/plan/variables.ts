/**
 * Variables of a stage: ENV, ARG, and what is known of both.
 *
 * compat: of an ENV and an ARG of one name the later one counts for the lines that follow, whatever the documentation says of
 * ENV; only ENV becomes part of the image. A stage that begins with another one has its ARGs, too.
 */

/** `BUILDKIT_SBOM_…` steer the inventory; they are no part of a program's environment. */
const UNSEEN = new Set(['BUILDKIT_SBOM_SCAN_CONTEXT', 'BUILDKIT_SBOM_SCAN_STAGE']);

export class Variables {
  /** Of the image. */
  readonly #env = new Map<string, string>();
  /** What lines and programs see. */
  readonly #values: Map<string, string>;
  readonly #args: Map<string, string>;
  /** ARGs, in their order, with or without a value. */
  readonly #declared: Map<string, string | undefined>;

  /** `env`: `NAME=value` of the base image; `inherited`: the variables of the stage it is built from. */
  constructor(env: readonly string[], inherited: Variables | undefined) {
    for (const entry of env) {
      const at = entry.indexOf('=');
      this.#env.set(at < 0 ? entry : entry.slice(0, at), at < 0 ? '' : entry.slice(at + 1));
    }
    this.#values = new Map([...this.#env, ...(inherited ? inherited.#values : [])]);
    this.#args = new Map(inherited ? inherited.#args : []);
    this.#declared = new Map(inherited ? inherited.#declared : []);
  }

  readonly valueOf = (name: string): string | undefined => this.#values.get(name);

  setEnv(name: string, value: string): void {
    this.#env.set(name, value);
    this.#values.set(name, value);
  }

  declare(name: string, value: string | undefined): void {
    this.#declared.set(name, value);
    if (value === undefined) return;
    this.#args.set(name, value);
    if (!UNSEEN.has(name)) this.#values.set(name, value);
  }

  isDeclared(name: string): boolean {
    return this.#declared.has(name);
  }

  names(): string[] {
    return [...this.#values.keys()];
  }

  /** For the image's config. */
  get env(): string[] {
    return [...this.#env].map(([name, value]) => `${name}=${value}`);
  }

  /** For a program that is run: ARGs too. */
  get environment(): string[] {
    return [...this.#values].map(([name, value]) => `${name}=${value}`);
  }

  /** `|2 A=1 B=2 `, as histories begin a RUN with; '' without ARGs. */
  get historyPrefix(): string {
    if (this.#declared.size === 0) return '';
    const words = [...this.#declared].map(([name, value]) => `${name}=${this.valueOf(name) ?? value ?? ''}`);
    return `|${words.length} ${words.join(' ')} `;
  }

  /** An ARG's value, also of those a program does not see. */
  argOf(name: string): string | undefined {
    return this.#args.get(name);
  }
}
