/**
 * Preloaded by `tools/test-lanes.ts`: an error that came while another was on its way is shown with both of them. By
 * itself Node's test reporter says only that one was suppressed.
 */
import { inspect, type InspectOptions } from 'node:util';

Object.defineProperty(SuppressedError.prototype, inspect.custom, {
  configurable: true,
  value(this: SuppressedError, _depth: number, options: InspectOptions): string {
    const first = `failed with ${inspect(this.suppressed, options)}`;
    return `${this.stack}\n${first}\nand its end with ${inspect(this.error, options)}`;
  },
});
