/** What was found out about one thing of this host, and what to do about it. */

export type Level = 'ok' | 'warning' | 'problem';

export interface Finding {
  readonly topic: string;
  readonly level: Level;
  /** What is so. */
  readonly what: string;
  /** Of what is not well: what to do. */
  readonly advice?: string;
}

export const ok = (topic: string, what: string): Finding => ({ topic, level: 'ok', what });
export const warning = (topic: string, what: string, advice: string): Finding => ({
  topic,
  level: 'warning',
  what,
  advice,
});
export const problem = (topic: string, what: string, advice: string): Finding => ({
  topic,
  level: 'problem',
  what,
  advice,
});
