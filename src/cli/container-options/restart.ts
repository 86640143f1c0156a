/** `--restart`: a policy, with the most retries after a colon. */
import type { RestartPolicyBody } from '#specs';
import { parseInteger } from '../flag-types.ts';

/** `no`, `always`, `unless-stopped`, `on-failure[:3]`; names are checked by the daemon. */
export function parseRestart(text: string): RestartPolicyBody {
  const [Name = '', ...rest] = text.split(':');
  if (text !== '' && Name === '') throw new Error('invalid restart policy format: no policy provided before colon');
  // compat: nothing after the colon is no number at all.
  if (rest.join(':') === '') return { Name, MaximumRetryCount: 0 };
  try {
    return { Name, MaximumRetryCount: parseInteger(rest.join(':')) };
  } catch {
    throw new Error('invalid restart policy format: maximum retry count must be an integer');
  }
}
