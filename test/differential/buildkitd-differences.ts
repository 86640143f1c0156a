/** Where our builder says something else than a real BuildKit on purpose. */

export interface TextDifference {
  /** The names of the tests. */
  readonly of: RegExp;
  /** What ours says. */
  readonly ours: RegExp;
  readonly why: string;
}

export const textDifferences: readonly TextDifference[] = [];
