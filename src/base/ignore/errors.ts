/** What a pattern of paths can be refused for. */
import { defineErrors } from '../errors.ts';

export const errors = defineErrors('pattern', {
  bad: { kind: 'invalid', message: (pattern: string, why: string) => `pattern ${JSON.stringify(pattern)}: ${why}` },
});
